;; Returns a list in a list in a list, 200,000 deep.
;; Ends: with success, since it is JSON; whoever reads it recurses no further than is safe.
(func $run (type $run)
  (drop (memory.grow (i32.const 7)))
  (memory.fill (i32.const 131072) (i32.const 91) (i32.const 200000))
  (memory.fill (i32.const 331072) (i32.const 93) (i32.const 200000))
  (call $ok (i32.const 131072) (i32.const 400000)))
