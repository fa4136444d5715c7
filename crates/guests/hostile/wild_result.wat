;; Returns a result that lies outside of its memory.
;; Ends: as `trap`.
(func $run (type $run)
  (call $ok (i32.const -16) (i32.const 8)))
