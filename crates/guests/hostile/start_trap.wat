;; Traps in its start function.
;; Ends: as `trap`; at publish too, since it cannot describe itself.
(func $begin (unreachable))
(start $begin)
(func $run (type $run)
  (call $ok (i32.const 32) (i32.const 4)))
