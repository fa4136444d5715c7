;; Reads far behind the end of its memory.
;; Ends: as `trap`.
(func $run (type $run)
  (i32.load (i32.const -8)))
