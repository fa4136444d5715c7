select holder as "holder!: String", address as "address!: String", term as "term!: i64", since as "since!: i64"
from leader
where name = 'scheduler' and holder <> '' and expires_at > ?1
