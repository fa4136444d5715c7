;; Writes 2,000 log lines of 1 KiB each.
;; Ends: with success, and a log that is cut at its limit and marked: a chatty job does not fail.
(import "jobs:task/log@1.0.0" "write" (func $log (param i32 i32 i32)))
(func $run (type $run) (local $count i32)
  (memory.fill (i32.const 8192) (i32.const 120) (i32.const 1024))
  (loop $again
    (call $log (i32.const 2) (i32.const 8192) (i32.const 1024))
    (br_if $again (i32.lt_u
      (local.tee $count (i32.add (local.get $count) (i32.const 1))) (i32.const 2000))))
  (call $ok (i32.const 32) (i32.const 4)))
