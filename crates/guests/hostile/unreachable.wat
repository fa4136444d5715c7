;; Reaches what cannot be reached.
;; Ends: as `trap`, with the names of its functions in the backtrace.
(func $divide_the_bill (result i32) (unreachable))
(func $run (type $run)
  (call $divide_the_bill))
