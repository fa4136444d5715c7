;; Returns a JSON text of 2 MiB.
;; Ends: as `output`.
(func $run (type $run)
  (drop (memory.grow (i32.const 32)))
  (memory.fill (i32.const 131072) (i32.const 97) (i32.const 2097152))
  (i32.store8 (i32.const 131072) (i32.const 34))
  (i32.store8 (i32.const 2228223) (i32.const 34))
  (call $ok (i32.const 131072) (i32.const 2097152)))
