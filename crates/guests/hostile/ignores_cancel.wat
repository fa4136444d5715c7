;; Sees that its job is to be cancelled and goes on.
;; Ends: never by itself; stopped when its grace is over.
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
    (drop (call $cancel_requested))
    (call $nap)
    (br $again))
  (unreachable))
