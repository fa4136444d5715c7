;; Polls a list of a million handles.
;; Ends: as `trap`: a call borrows only so many.
(import "wasi:clocks/monotonic-clock@0.2.6" "subscribe-duration" (func $after (param i64) (result i32)))
(import "wasi:io/poll@0.2.6" "poll" (func $poll (param i32 i32 i32)))
(func $run (type $run) (local $handle i32) (local $count i32)
  (local.set $handle (call $after (i64.const 3600000000000)))
  (drop (memory.grow (i32.const 62)))
  (loop $again
    (i32.store (i32.add (i32.const 131072) (i32.shl (local.get $count) (i32.const 2))) (local.get $handle))
    (br_if $again (i32.lt_u
      (local.tee $count (i32.add (local.get $count) (i32.const 1))) (i32.const 1000000))))
  (call $poll (i32.const 131072) (i32.const 1000000) (i32.const 8192))
  (unreachable))
