//! `jobctl status`.

use rpc::v1;

use super::context::Context;
use crate::exit::{Exit, Result};
use crate::show::status::{Status, text};

/// Shows leader, schedulers, hosts and queue depths.
pub(crate) async fn run(context: Context) -> Result {
    let server = context.server().await?;
    let status =
        server.call(|mut client| async move { client.cluster.status(v1::StatusRequest {}).await }).await?;
    context.output.document(&Status::from(&status), |view| text(view, context.times, &status))?;
    Ok(Exit::Done)
}
