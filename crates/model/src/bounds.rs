//! Every limit on what people may hand us, in one place, each with where its number comes from.

/// Longest payload of a job: 1 MiB. Payloads ride with the claim, a batch of them at a time; whoever has
/// more to say stores it elsewhere and passes a reference.
pub const PAYLOAD_BYTES_MAX: usize = 1 << 20;

/// Largest component: 64 MiB. CPython's is 18 MB, StarlingMonkey's 12 MB; four times that leaves room.
pub const COMPONENT_BYTES_MAX: usize = 64 << 20;

/// Most jobs in one enqueue call: a batch of a thousand is where Postgres stops getting cheaper a job.
pub const BATCH_JOBS_MAX: usize = 1_000;

/// Longest name of a namespace, task or queue, in bytes. Postgres identifiers have 63; people read these.
pub const NAME_BYTES_MAX: usize = 63;

/// Longest idempotency key, in bytes: room for a URL or two UUIDs.
pub const KEY_BYTES_MAX: usize = 255;

/// Most tags of one job; they are for finding jobs, not for carrying data.
pub const TAGS_MAX: usize = 16;

/// Longest key or value of a tag, in bytes.
pub const TAG_BYTES_MAX: usize = 128;

/// Most attempts a job may ask for. With the back-off ceiling of an hour this is about a day of trying
/// after the first few minutes, and some weeks at the limit.
pub const ATTEMPTS_MAX: u32 = 1_000;

/// Farthest a job may be delayed into the future, in days: ten years.
pub const DELAY_DAYS_MAX: i64 = 3_653;

/// Leases a job may lose before it is taken for what kills its hosts and parked as failed with kind `lost`.
pub const LOSSES_MAX: u32 = 3;

/// Most tasks in one component.
pub const TASKS_PER_COMPONENT_MAX: usize = 64;

/// Longest error message, log line or progress message kept, in bytes; longer ones are cut and marked.
pub const TEXT_BYTES_MAX: usize = 8 << 10;

/// Longest description or JSON Schema a task may carry, in bytes.
pub const SCHEMA_BYTES_MAX: usize = 64 << 10;

/// Largest checkpoint, in bytes: it is rewritten whole at each save.
pub const CHECKPOINT_BYTES_MAX: usize = 1 << 20;

/// How many jobs a page of a listing holds at the most.
pub const PAGE_MAX: u32 = 1_000;

/// Longest note of a schedule, in bytes: a few lines for people.
pub const SCHEDULE_NOTE_BYTES_MAX: usize = 1_000;
