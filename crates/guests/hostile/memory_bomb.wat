;; Takes memory for several memories at once and writes to all of it: each alone is within the limit.
;; Ends: as `memory`.
(memory (export "memory") 16)
(memory $second 0)
(memory $third 0)
(memory $fourth 0)
(func $run (type $run) (local $old i32)
  (block $refused (loop $again
    (br_if $refused (i32.eq (local.tee $old (memory.grow $second (i32.const 16))) (i32.const -1)))
    (memory.fill $second (i32.shl (local.get $old) (i32.const 16)) (i32.const 7) (i32.const 1048576))
    (br_if $refused (i32.eq (local.tee $old (memory.grow $third (i32.const 16))) (i32.const -1)))
    (memory.fill $third (i32.shl (local.get $old) (i32.const 16)) (i32.const 7) (i32.const 1048576))
    (br_if $refused (i32.eq (local.tee $old (memory.grow $fourth (i32.const 16))) (i32.const -1)))
    (memory.fill $fourth (i32.shl (local.get $old) (i32.const 16)) (i32.const 7) (i32.const 1048576))
    (br $again)))
  (unreachable))
