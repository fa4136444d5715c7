;; Calls a function through a table as if it had another type.
;; Ends: as `trap`.
(type $other (func (param i64) (result i32)))
(table 1 funcref)
(elem (i32.const 0) func $run)
(func $run (type $run)
  (call_indirect (type $other) (i64.const 0) (i32.const 0)))
