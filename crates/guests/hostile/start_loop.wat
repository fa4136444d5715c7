;; Computes for ever in its start function, before anybody called it.
;; Ends: never by itself; with a budget of fuel as `fuel`.
(func $begin (loop $again (br $again)))
(start $begin)
(func $run (type $run)
  (call $ok (i32.const 32) (i32.const 4)))
