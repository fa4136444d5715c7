;; Calls itself without end.
;; Ends: as `stack`, with its name in the backtrace once.
(func $again_and_again (param i32) (result i32)
  (i32.add (call $again_and_again (i32.add (local.get 0) (i32.const 1))) (i32.const 1)))
(func $run (type $run)
  (call $again_and_again (i32.const 0)))
