//! Delete. What the schedule made stays.

use rpc::{Error, v1};
use store::ScheduleChange;

use super::{Named, make};
use crate::api::Api;

/// Removes a schedule, so that its name is free.
pub(super) async fn delete(
    api: &Api,
    request: v1::DeleteScheduleRequest,
) -> Result<v1::DeleteScheduleResponse, Error> {
    let named = Named::read(&request.namespace, &request.name)?;
    let mut tries = named.tries(api).await?;
    loop {
        let mut change = ScheduleChange::of(&named.look(api).await?);
        change.delete = true;
        if make(api, change).await?.is_some() {
            return Ok(v1::DeleteScheduleResponse {});
        }
        tries.again().await?;
    }
}
