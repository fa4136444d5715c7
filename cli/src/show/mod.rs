//! How things look: the shapes of JSON that scripts rely on, and tables and texts for people.

pub(crate) mod check;
pub(crate) mod escape;
pub(crate) mod job;
pub(crate) mod job_text;
pub(crate) mod json;
pub(crate) mod run;
pub(crate) mod schedule;
pub(crate) mod schedule_fires;
pub(crate) mod schedule_text;
pub(crate) mod status;
pub(crate) mod table;
pub(crate) mod task;
pub(crate) mod time;
pub(crate) mod used;
pub(crate) mod view;
pub(crate) mod zone;
