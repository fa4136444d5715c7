;; Saves a checkpoint again and again: with a store that does not answer it stays in the first one.
;; Ends: never by itself; with a budget of host calls as `host_calls`.
(import "jobs:task/checkpoint@1.0.0" "save" (func $save (param i32 i32 i32)))
(func $run (type $run)
  (loop $again
    (call $save (i32.const 48) (i32.const 4) (i32.const 8192))
    (br $again))
  (unreachable))
