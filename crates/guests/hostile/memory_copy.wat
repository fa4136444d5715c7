;; Moves 64 MiB of memory by one instruction, again and again.
;; Ends: never by itself; with a budget of fuel as `fuel`.
(func $run (type $run)
  (drop (memory.grow (i32.const 1024)))
  (loop $again
    (memory.copy (i32.const 131072) (i32.const 131071) (i32.const 67108864))
    (br $again))
  (unreachable))
