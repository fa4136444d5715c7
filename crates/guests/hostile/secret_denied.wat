;; Asks for a secret that it was not granted, and gives back what it is told.
;; Ends: as `task`.
(import "jobs:task/secrets@1.0.0" "get" (func $secret (param i32 i32 i32)))
(data (i32.const 8448) "token")
(func $run (type $run)
  (call $secret (i32.const 8448) (i32.const 5) (i32.const 8192))
  (call $err (i32.const 2) (i32.load (i32.const 8196)) (i32.load (i32.const 8200)) (i64.const 0)))
