;; Makes child jobs of a task `boom` for ever: with a store that does not answer it stays in the first one.
;; Ends: never by itself; with a budget of host calls as `host_calls`.
(import "jobs:task/queue@1.0.0" "enqueue" (func $enqueue (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i64 i32)))
(func $run (type $run)
  (loop $again
    (call $enqueue (i32.const 48) (i32.const 4) (i32.const 32) (i32.const 4)
      (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i64.const 0)
      (i32.const 8192))
    (br $again))
  (unreachable))
