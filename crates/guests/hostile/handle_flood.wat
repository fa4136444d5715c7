;; Makes one handle after another and gives none back.
;; Ends: as `trap`, when it holds as many as it may.
(import "wasi:clocks/monotonic-clock@0.2.6" "subscribe-duration" (func $after (param i64) (result i32)))
(func $run (type $run)
  (loop $again
    (drop (call $after (i64.const 3600000000000)))
    (br $again))
  (unreachable))
