select bytes from components where sha256 = $1
