;; Declares a table of two million entries.
;; Ends: at publish, which refuses it: no table has so many.
(table $second 2000000 funcref)
(func $run (type $run)
  (call $ok (i32.const 32) (i32.const 4)))
