;; Fails with a message that has a NUL, which PostgreSQL keeps in no text.
;; Ends: as `task`, with U+FFFD in its place.
(data (i32.const 8192) "a\00b")
(func $run (type $run)
  (call $err (i32.const 2) (i32.const 8192) (i32.const 3) (i64.const 0)))
