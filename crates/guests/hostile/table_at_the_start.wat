;; Declares a table of two million entries.
;; Ends: as `table`, before it runs.
(table $second 2000000 funcref)
(func $run (type $run)
  (call $ok (i32.const 32) (i32.const 4)))
