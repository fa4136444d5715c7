;; Writes one output file of 1 MiB after another.
;; Ends: as `output`.
(import "jobs:task/files@1.0.0" "write" (func $write (param i32 i32 i32 i32 i32 i32 i32)))
(data (i32.const 8192) "a")
(data (i32.const 8208) "text/plain")
(func $run (type $run)
  (drop (memory.grow (i32.const 16)))
  (loop $again
    (call $write (i32.const 8192) (i32.const 1) (i32.const 8208) (i32.const 10)
      (i32.const 131072) (i32.const 1048576) (i32.const 8224))
    (i32.store8 (i32.const 8192) (i32.add (i32.load8_u (i32.const 8192)) (i32.const 1)))
    (br_if $again (i32.lt_u (i32.load8_u (i32.const 8192)) (i32.const 123))))
  (unreachable))
