;; Grows two tables in turn, and gives up when it is told no: each alone is within the limit.
;; Ends: as `table`.
(table $first 0 funcref)
(table $second 0 funcref)
(func $run (type $run)
  (block $refused (loop $again
    (br_if $refused (i32.eq (table.grow $first (ref.null func) (i32.const 1000)) (i32.const -1)))
    (br_if $refused (i32.eq (table.grow $second (ref.null func) (i32.const 1000)) (i32.const -1)))
    (br $again)))
  (unreachable))
