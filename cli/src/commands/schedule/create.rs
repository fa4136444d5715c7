//! `jobctl schedule create`.

use rpc::{Code, v1};

use super::{conclude, spec};
use crate::args::ScheduleCreate;
use crate::commands::context::Context;
use crate::commands::payload;
use crate::exit::{Error, Result};

/// Makes a schedule. All that can be checked here is checked before anybody is asked. A call that is made again finds
/// the same name with the same content.
pub(super) async fn run(context: Context, create: ScheduleCreate) -> Result {
    let payload = payload::read(create.payload.as_deref())?;
    let spec = spec::made(&create, payload, context.times.now)?;
    let server = context.server().await?;
    let name = create.name.as_str();
    let request = v1::CreateScheduleRequest {
        namespace: context.namespace(),
        name: name.to_owned(),
        spec: Some(spec),
        paused: create.paused,
    };
    let answer = server.call(|mut client| {
        let request = request.clone();
        async move { client.schedules.create_schedule(request).await }
    });
    let answer = answer.await.map_err(|error| {
        let is_conflict = error.code == Code::Conflict;
        let error = Error::from(error);
        match is_conflict {
            true => error.hint_unless_there_is_one(&format!(
                "`jobctl schedule update {name}` changes it, `jobctl schedule show {name}` tells what it is"
            )),
            false => error,
        }
    })?;
    let schedule = answer.schedule.ok_or_else(spec::malformed)?;
    conclude(&context, &schedule, "created", answer.unchanged)
}
