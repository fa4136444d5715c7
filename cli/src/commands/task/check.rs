//! `jobctl task check`: what publish would say, without a server.

use super::component::{self, Inspected};
use super::manifest;
use crate::args::Check;
use crate::commands::context::Context;
use crate::exit::{Exit, Result};
use crate::show::check::{Checked, checked};

/// Inspects the component and tells what it is. Grants and limits are held against it when any were given.
pub(super) async fn run(context: Context, check: Check) -> Result {
    let wish = manifest::wish(&check.version)?;
    let component = component::read(&check.file)?;
    let inspected =
        Box::pin(component::inspect(&context, component, check.cache_dir, &wish, wish.is_given)).await?;
    let Inspected { inspection, manifests, flavour, .. } = &inspected;
    let shown = Checked::of(&check.file, inspection, manifests, *flavour);
    context.output.document(&shown, |view| checked(view, &shown))?;
    Ok(Exit::Done)
}
