//! How long people wait for a page of schedules.

use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use rpc::v1;
use serde::Serialize;
use stories::page;

use super::Setting;
use super::making::{name, told};
use crate::Percentiles;

/// How often each is asked for.
const TIMES: usize = 20;

/// Schedules on a page, as `jobctl` has them.
const PAGE: u32 = 50;

/// How long one way of asking took.
#[derive(Debug, Clone, Serialize)]
pub struct Listing {
    /// Which.
    pub what: &'static str,
    /// How often.
    pub times: usize,
    /// Each, in milliseconds.
    pub took_ms: Percentiles,
}

/// Asks for pages of `schedules` in every way.
///
/// # Errors
/// When an answer is not what it should be.
///
/// # Panics
/// When the server speaks no HTTP.
pub async fn listings(setting: &Setting, schedules: usize) -> Result<Vec<Listing>> {
    let middle = name(schedules / 2);
    let server = setting.jobctl.server().to_owned();
    let mut listings = Vec::new();
    for (what, after) in [("the API: first page", ""), ("the API: a page in the middle", middle.as_str())] {
        let mut took = Vec::new();
        for _ in 0..TIMES {
            let began = Instant::now();
            page_after(setting, after).await?;
            took.push(began.elapsed().as_secs_f64() * 1_000.0);
        }
        listings.push(listing(what, took)?);
    }
    let command = || {
        let answer = setting.jobctl.run(&["schedule", "list"]);
        ensure!(answer.code == 0, "{answer:?}");
        Ok(())
    };
    listings.push(listing("`jobctl schedule list`", timed(command)?)?);
    let pages = [
        ("the page `/schedules`", "/schedules"),
        ("the page of those that are disabled", "/schedules?state=disabled"),
        ("the overview", "/"),
    ];
    for (what, path) in pages {
        let browse = || {
            let page = page(&server, path);
            ensure!(page.status == 200, "{page:?}");
            Ok(())
        };
        listings.push(listing(what, timed(browse)?)?);
    }
    Ok(listings)
}

async fn page_after(setting: &Setting, after: &str) -> Result<()> {
    let request = v1::ListSchedulesRequest {
        namespace: "default".to_owned(),
        limit: PAGE,
        cursor: after.to_owned(),
        ..v1::ListSchedulesRequest::default()
    };
    let answer = setting.client.schedules.clone().list_schedules(request).await;
    let found = answer.map_err(|status| told("list schedules", status))?.into_inner().schedules.len();
    ensure!(found > 0, "there is no schedule after {after:?}");
    Ok(())
}

fn timed(mut ask: impl FnMut() -> Result<()>) -> Result<Vec<f64>> {
    let times = (0..TIMES).map(|_| {
        let began = Instant::now();
        ask()?;
        Ok(began.elapsed().as_secs_f64() * 1_000.0)
    });
    times.collect()
}

fn listing(what: &'static str, took: Vec<f64>) -> Result<Listing> {
    let times = took.len();
    Ok(Listing { what, times, took_ms: Percentiles::of(took).context("nothing was asked")? })
}
