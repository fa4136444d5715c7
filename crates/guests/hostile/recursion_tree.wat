;; Calls itself twice, 60 deep: the stack suffices, the time does not.
;; Ends: never by itself; with a budget of fuel as `fuel`.
(func $tree (param $depth i32)
  (if (local.get $depth)
    (then
      (call $tree (i32.sub (local.get $depth) (i32.const 1)))
      (call $tree (i32.sub (local.get $depth) (i32.const 1))))))
(func $run (type $run)
  (loop $again
    (call $tree (i32.const 60))
    (br $again))
  (unreachable))
