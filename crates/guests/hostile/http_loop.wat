;; Requests the URL that its payload is, again and again: with a peer that does not answer it stays in the first
;; request.
;; Ends: never by itself; with a budget of requests as `http`.
(import "jobs:task/http@1.0.0" "send" (func $send (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i64 i32)))
(data (i32.const 8192) "GET")
(func $run (type $run)
  (loop $again
    (call $send (i32.const 8192) (i32.const 3) (i32.add (local.get 2) (i32.const 1)) (i32.sub (local.get 3) (i32.const 2))
      (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i64.const 0) (i32.const 8256))
    (br $again))
  (unreachable))
