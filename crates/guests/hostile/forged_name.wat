;; Traps in a function whose name would colour a terminal and forge a line.
;; Ends: as `trap`; the name stays on its line.
(func $"\1b[31mred\nstate: succeeded" (result i32) (unreachable))
(func $run (type $run)
  (call $"\1b[31mred\nstate: succeeded"))
