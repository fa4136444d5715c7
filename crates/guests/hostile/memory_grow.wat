;; Takes one MiB of memory after another, and gives up when it is told no.
;; Ends: as `memory`.
(memory (export "memory") 16)
(func $run (type $run)
  (loop $again
    (br_if $again (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
  (unreachable))
