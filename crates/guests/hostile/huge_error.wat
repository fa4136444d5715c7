;; Fails with a message of 2 MiB.
;; Ends: as `task`, its message cut and marked.
(func $run (type $run)
  (drop (memory.grow (i32.const 32)))
  (memory.fill (i32.const 131072) (i32.const 97) (i32.const 2097152))
  (call $err (i32.const 2) (i32.const 131072) (i32.const 2097152) (i64.const 0)))
