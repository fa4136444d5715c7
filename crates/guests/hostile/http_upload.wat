;; Sends 1 MiB to the URL that its payload is, again and again.
;; Ends: never by itself; with a budget of bytes as `http`.
(import "jobs:task/http@1.0.0" "send" (func $send (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i64 i32)))
(data (i32.const 8192) "POST")
(func $run (type $run)
  (drop (memory.grow (i32.const 16)))
  (loop $again
    (call $send (i32.const 8192) (i32.const 4) (i32.add (local.get 2) (i32.const 1)) (i32.sub (local.get 3) (i32.const 2))
      (i32.const 0) (i32.const 0) (i32.const 131072) (i32.const 1048576)
      (i32.const 0) (i64.const 0) (i32.const 8256))
    (br $again))
  (unreachable))
