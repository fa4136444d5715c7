;; Asks for more memory for ever, whatever it is told.
;; Ends: never by itself; with a budget of fuel as `fuel`.
(func $run (type $run)
  (loop $again
    (drop (memory.grow (i32.const 16)))
    (br $again))
  (unreachable))
