;; Returns a result when it sees that its job is to be cancelled.
;; Ends: never by itself; asked to cancel, with success.
(import "jobs:task/context@1.0.0" "cancel-requested" (func $cancel_requested (result i32)))
(import "wasi:clocks/monotonic-clock@0.2.6" "subscribe-duration" (func $after (param i64) (result i32)))
(import "wasi:io/poll@0.2.6" "[method]pollable.block" (func $block (param i32)))
(import "wasi:io/poll@0.2.6" "[resource-drop]pollable" (func $drop (param i32)))
(func $nap (local $pollable i32)
  (local.set $pollable (call $after (i64.const 1000000)))
  (call $block (local.get $pollable))
  (call $drop (local.get $pollable)))
(func $run (type $run)
  (loop $again
    (if (call $cancel_requested)
      (then (return (call $ok (i32.const 32) (i32.const 4)))))
    (call $nap)
    (br $again))
  (unreachable))
