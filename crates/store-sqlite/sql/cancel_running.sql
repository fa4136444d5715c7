-- Of several cancels the one that ends first holds; one without an end to its grace ends at once. So does what is null
-- here: `min` of a null is null.
update job_queue
set cancel_requested = 1,
    cancel_at = case when cancel_at is not null or not cancel_requested then min(?2, coalesce(cancel_at, ?2)) end
where job_id in (select unhex(value) from json_each(?1)) and session is not null
