select j.id
from jobs j
join queues s on s.id = j.queue_id
where s.namespace = $1 and j.id between $2 and $3
order by j.id
limit $4
