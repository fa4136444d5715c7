;; Traps when it is to describe its tasks.
;; Ends: at publish, which refuses it.
(func $describe (result i32)
  (unreachable))
(func $run (type $run)
  (call $ok (i32.const 32) (i32.const 4)))
