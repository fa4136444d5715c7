;; Asks for 1 GiB of random bytes at once.
;; Ends: as `trap`.
(import "wasi:random/random@0.2.6" "get-random-bytes" (func $random (param i64 i32)))
(func $run (type $run)
  (call $random (i64.const 1073741824) (i32.const 8192))
  (unreachable))
