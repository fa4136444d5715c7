;; Declares a table of 150,000 entries.
;; Ends: as `table`, before it runs.
(table $second 150000 funcref)
(func $run (type $run)
  (call $ok (i32.const 32) (i32.const 4)))
