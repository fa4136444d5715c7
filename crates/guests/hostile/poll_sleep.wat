;; Sleeps for an hour in a poll of WASI, without computing.
;; Ends: never by itself; by its deadline as `timeout`.
(import "wasi:clocks/monotonic-clock@0.2.6" "subscribe-duration" (func $after (param i64) (result i32)))
(import "wasi:io/poll@0.2.6" "[method]pollable.block" (func $block (param i32)))
(func $run (type $run)
  (loop $again
    (call $block (call $after (i64.const 3600000000000)))
    (br $again))
  (unreachable))
