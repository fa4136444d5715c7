;; Asks WASI for the time for ever.
;; Ends: never by itself; with a budget of fuel as `fuel`.
(import "wasi:clocks/monotonic-clock@0.2.6" "now" (func $now (result i64)))
(func $run (type $run)
  (loop $again
    (drop (call $now))
    (br $again))
  (unreachable))
