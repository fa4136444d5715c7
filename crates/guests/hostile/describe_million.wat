;; Hands over a million descriptions of tasks.
;; Ends: at publish, which refuses it.
(data (i32.const 8192) "\00\00\02\00\40\42\0f\00")
(func $describe (result i32)
  (drop (memory.grow (i32.const 1500)))
  (i32.const 8192))
(func $run (type $run)
  (call $ok (i32.const 32) (i32.const 4)))
