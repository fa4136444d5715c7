;; Asks the metadata service of a cloud for its secrets, and gives back what it is told.
;; Ends: as `task`: the guest is told that this was not granted.
(import "jobs:task/http@1.0.0" "send" (func $send (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i64 i32)))
(data (i32.const 8448) "GET")
(data (i32.const 8464) "http://169.254.169.254/latest/meta-data/")
(func $run (type $run)
  (call $send (i32.const 8448) (i32.const 3) (i32.const 8464) (i32.const 40)
    (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i64.const 0) (i32.const 8192))
  (call $err (i32.const 2) (i32.load (i32.const 8200)) (i32.load (i32.const 8204)) (i64.const 0)))
