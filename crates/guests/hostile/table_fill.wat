;; Fills a large table by one instruction, again and again.
;; Ends: never by itself; with a budget of fuel as `fuel`.
(table $table 100000 funcref)
(elem declare func $run)
(func $run (type $run)
  (loop $again
    (table.fill $table (i32.const 0) (ref.func $run) (i32.const 100000))
    (br $again))
  (unreachable))
