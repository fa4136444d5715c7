select id as "id!: Uuid" from jobs where id in (select unhex(value) from json_each(?1))
