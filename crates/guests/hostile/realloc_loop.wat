;; Computes for ever when the host wants room for the payload.
;; Ends: never by itself; with a budget of fuel as `fuel`.
(func $realloc (param i32 i32 i32 i32) (result i32)
  (loop $again (br $again))
  (unreachable))
(func $run (type $run)
  (call $ok (i32.const 32) (i32.const 4)))
