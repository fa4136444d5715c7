insert into components (sha256, bytes, created_at) values (?1, ?2, ?3) on conflict (sha256) do nothing
