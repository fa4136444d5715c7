;; Calls itself without end, each time with a frame in memory as Rust and C have them, until these run out of
;; bounds.
;; Ends: as `stack`, though the engine calls it a bad access.
(global $frame (mut i32) (i32.const 131072))
(func $descend (result i32)
  (global.set $frame (i32.sub (global.get $frame) (i32.const 512)))
  (i32.store (global.get $frame) (i32.const 7))
  (i32.add (call $descend) (i32.load (global.get $frame))))
(func $run (type $run)
  (call $descend))
