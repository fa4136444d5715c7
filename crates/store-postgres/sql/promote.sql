update tasks set active_version = $1 where id = (select task_id from task_versions where id = $1)
