;; Says that its description lies outside of its memory.
;; Ends: at publish, which refuses it.
(func $describe (result i32)
  (i32.const -16))
(func $run (type $run)
  (call $ok (i32.const 32) (i32.const 4)))
