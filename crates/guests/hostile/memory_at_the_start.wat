;; Declares a memory of 200 MiB, which it has from its first moment on.
;; Ends: as `memory`, before it runs, unless it may have so much.
(memory (export "memory") 3200)
(func $run (type $run)
  (call $ok (i32.const 32) (i32.const 4)))
