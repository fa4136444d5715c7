;; Exits with an error.
;; Ends: as `trap`.
(import "wasi:cli/exit@0.2.6" "exit" (func $exit (param i32)))
(func $run (type $run)
  (call $exit (i32.const 1))
  (unreachable))
