;; Declares a memory of 1 GiB, which it has from its first moment on.
;; Ends: as `memory`, before it runs.
(memory $second 16384)
(func $run (type $run)
  (call $ok (i32.const 32) (i32.const 4)))
