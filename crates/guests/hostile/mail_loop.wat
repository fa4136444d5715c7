;; Sends an e-mail again and again: with a relay that does not answer it stays in the first one.
;; Ends: never by itself; without the grant as `denied`, with a budget of host calls as `host_calls`.
(import "jobs:task/mail@1.0.0" "send" (func $send (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
(data (i32.const 8192) "\10\20\00\00\0d\00\00\00")
(data (i32.const 8208) "a@example.com")
(func $run (type $run)
  (loop $again
    (call $send (i32.const 8192) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0)
      (i32.const 48) (i32.const 4) (i32.const 48) (i32.const 4) (i32.const 0) (i32.const 0) (i32.const 0)
      (i32.const 8256))
    (br $again))
  (unreachable))
