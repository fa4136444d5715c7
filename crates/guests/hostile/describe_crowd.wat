;; Says that it has 10,000 tasks.
;; Ends: at publish, which refuses it.
(data (i32.const 8192) "\00\00\02\00\10\27\00\00")
(func $describe (result i32)
  (drop (memory.grow (i32.const 16)))
  (i32.const 8192))
(func $run (type $run)
  (call $ok (i32.const 32) (i32.const 4)))
