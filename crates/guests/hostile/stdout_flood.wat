;; Prints 4 MiB of lines on its standard output.
;; Ends: with success, and a log that is cut at its limit and marked.
(import "wasi:cli/stdout@0.2.6" "get-stdout" (func $stdout (result i32)))
(import "wasi:io/streams@0.2.6" "[method]output-stream.blocking-write-and-flush"
  (func $print (param i32 i32 i32 i32)))
(func $run (type $run) (local $stream i32) (local $count i32)
  (local.set $stream (call $stdout))
  (memory.fill (i32.const 8192) (i32.const 120) (i32.const 4095))
  (i32.store8 (i32.const 12287) (i32.const 10))
  (loop $again
    (call $print (local.get $stream) (i32.const 8192) (i32.const 4096) (i32.const 16384))
    (br_if $again (i32.lt_u
      (local.tee $count (i32.add (local.get $count) (i32.const 1))) (i32.const 1024))))
  (call $ok (i32.const 32) (i32.const 4)))
