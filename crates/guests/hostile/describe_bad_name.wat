;; Says that its task has a name that would clear a terminal.
;; Ends: at publish, which refuses it.
(data (i32.const 8192) "\10\20\00\00\01\00\00\00")
(data (i32.const 8208) "\80\20\00\00\08\00\00\00")
(data (i32.const 8320) "\1b[2J\1b[1m")
(func $describe (result i32)
  (i32.const 8192))
(func $run (type $run)
  (call $ok (i32.const 32) (i32.const 4)))
