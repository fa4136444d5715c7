select bytes as "bytes!: Vec<u8>" from components where sha256 = ?1
