;; Computes for ever.
;; Ends: never by itself; with a budget of fuel as `fuel`.
(func $run (type $run)
  (loop $again
    (br $again))
  (unreachable))
