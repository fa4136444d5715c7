;; Makes a child job of a task that it was not granted, and gives back what it is told.
;; Ends: as `task`.
(import "jobs:task/queue@1.0.0" "enqueue" (func $enqueue (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i64 i32)))
(func $run (type $run)
  (call $enqueue (i32.const 48) (i32.const 4) (i32.const 32) (i32.const 4)
      (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i64.const 0)
      (i32.const 8192))
  (call $err (i32.const 2) (i32.load (i32.const 8196)) (i32.load (i32.const 8200)) (i64.const 0)))
