;; Calls through an entry of a table that nobody filled.
;; Ends: as `trap`.
(table 1 funcref)
(func $run (type $run)
  (call_indirect (type $run) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)))
