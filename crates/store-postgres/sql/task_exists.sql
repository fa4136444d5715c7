select id from tasks where namespace = $1 and name = $2
