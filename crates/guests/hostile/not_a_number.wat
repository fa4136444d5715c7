;; Divides nought by nought and says whether it got the NaN that is the same on every processor.
;; Ends: with success: `true` under `--deterministic`, else as the processor likes.
(data (i32.const 8192) "truefalse")
(func $run (type $run) (local $nought f32)
  (local.set $nought (f32.convert_i32_u (i32.load (i32.const 8256))))
  (if (i32.eq (i32.reinterpret_f32 (f32.div (local.get $nought) (local.get $nought))) (i32.const 0x7fc00000))
    (then (return (call $ok (i32.const 8192) (i32.const 4)))))
  (call $ok (i32.const 8196) (i32.const 5)))
