;; Reports its progress for ever.
;; Ends: never by itself; with a budget of host calls as `host_calls`.
(import "jobs:task/progress@1.0.0" "report" (func $report (param i32 i32 i32)))
(func $run (type $run)
  (loop $again
    (call $report (i32.const 1) (i32.const 48) (i32.const 4))
    (br $again))
  (unreachable))
