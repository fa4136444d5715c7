;; Returns bytes that are no UTF-8.
;; Ends: as `trap`.
(data (i32.const 8192) "\22\ff\fe\22")
(func $run (type $run)
  (call $ok (i32.const 8192) (i32.const 4)))
