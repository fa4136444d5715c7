//! Part three: jobs of another queue beside trouble, and the memory that trouble leaves behind.

use std::pin::pin;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde::Serialize;
use tokio::task::JoinSet;

use super::kinds::Kinds;
use super::latency::millis;
use super::setting::short_job;
use crate::{Caller, Order, Percentiles, resident_kib};

/// Short jobs that are offered a second: a small part of what an idle machine can do, so that a pace that drops is
/// the trouble's doing.
const OFFERED: u32 = 10;

/// How much of the pace without trouble must remain.
const KEPT_MIN: f64 = 0.9;

/// How long it is measured, at least: trouble that ends earlier comes again.
const WINDOW: Duration = Duration::from_secs(10);

/// Endless loops at once, on a machine with far fewer processors.
const LOOPS: usize = 8;

/// The most that may remain of what trouble took, in KiB.
const GROWTH_KIB_MAX: i64 = 64 << 10;

/// How long memory may take to be given back: the pool and the allocator do so as they go on.
const SETTLE: Duration = Duration::from_secs(10);

/// What is next to the short jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing.
    None,
    /// Attempts that trap.
    Traps,
    /// Attempts that take all memory they may.
    Bombs,
    /// Loops that end only when they are stopped.
    Loops,
}

impl Trouble {
    /// In the order in which they are measured.
    pub const ALL: [Self; 4] = [Self::None, Self::Traps, Self::Bombs, Self::Loops];
}

/// The pace of short jobs beside one trouble.
#[derive(Debug, Clone, Serialize)]
pub struct Pace {
    /// The trouble.
    pub beside: String,
    /// How long it went on, in seconds.
    pub seconds: f64,
    /// How many short jobs were offered meanwhile.
    pub offered: usize,
    /// How many of them ended a second while it went on.
    pub per_second: f64,
    /// From the call of enqueue until its caller was told of the end, in milliseconds.
    pub took_ms: Percentiles,
    /// Whether the pace was kept; nothing to compare with when it is alone.
    pub met: bool,
}

/// Resident memory of the process, in KiB.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Memory {
    /// Before any trouble, after short jobs had run.
    pub before_kib: u64,
    /// After all of it.
    pub after_kib: u64,
    /// Whether it is back within 64 MiB.
    pub met: bool,
}

/// What trouble needs.
pub struct Ground<'a> {
    /// The API.
    pub caller: &'a Caller,
    /// The guests.
    pub kinds: &'a Kinds,
    /// How many attempts trap, and how many are bombs.
    pub troubles: usize,
}

/// Measures the pace alone and beside each trouble, and the memory before and after all of it.
///
/// # Errors
/// When a job cannot be enqueued, a short one does not succeed, or the process is gone.
pub async fn beside_trouble(ground: &Ground<'_>, pid: u32) -> Result<(Vec<Pace>, Memory)> {
    let mut paces: Vec<Pace> = Vec::new();
    let mut before_kib = 0;
    for trouble in Trouble::ALL {
        let mut pace = measure(ground, trouble).await?;
        match paces.first() {
            Some(alone) => pace.met = pace.per_second >= KEPT_MIN * alone.per_second,
            None => before_kib = resident(pid)?,
        }
        paces.push(pace);
    }
    Ok((paces, settled(pid, before_kib).await?))
}

async fn measure(ground: &Ground<'_>, trouble: Trouble) -> Result<Pace> {
    let Ground { caller, kinds, troubles } = *ground;
    match trouble {
        Trouble::None => beside("nothing".to_owned(), caller, window()).await,
        Trouble::Traps => {
            let name = format!("traps, {troubles} at a time");
            beside(name, caller, again_and_again(caller, &kinds.trap, troubles)).await
        }
        Trouble::Bombs => {
            let name = format!("memory bombs, {troubles} at a time");
            beside(name, caller, again_and_again(caller, &kinds.bomb, troubles)).await
        }
        Trouble::Loops => {
            let ids = caller.enqueue_many(&kinds.endless, LOOPS).await?;
            for id in &ids {
                caller.running(id).await?;
            }
            let pace = beside(format!("{LOOPS} endless loops"), caller, window()).await;
            for id in &ids {
                caller.cancel(id).await?;
            }
            pace
        }
    }
}

async fn window() -> Result<()> {
    tokio::time::sleep(WINDOW).await;
    Ok(())
}

async fn again_and_again(caller: &Caller, order: &Order, count: usize) -> Result<()> {
    let began = Instant::now();
    while began.elapsed() < WINDOW {
        let ids = caller.enqueue_many(order, count).await?;
        caller.ends(&ids).await?.all(ids.len()).await?;
    }
    Ok(())
}

/// Offers short jobs at a steady pace as long as `trouble` goes on, whatever becomes of them, and waits for the last.
async fn beside(beside: String, caller: &Caller, trouble: impl Future<Output = Result<()>>) -> Result<Pace> {
    let mut trouble = pin!(trouble);
    let mut jobs = JoinSet::new();
    let mut offers = tokio::time::interval(Duration::from_secs(1) / OFFERED);
    let began = Instant::now();
    loop {
        tokio::select! {
            ended = &mut trouble => {
                ended?;
                break;
            }
            _ = offers.tick() => {
                jobs.spawn(short(caller.clone()));
            }
        }
    }
    let over = Instant::now();
    let offered = jobs.len();
    let jobs = jobs.join_all().await.into_iter().collect::<Result<Vec<_>>>()?;
    let seconds = (over - began).as_secs_f64();
    let in_time = u32::try_from(jobs.iter().filter(|job| job.ended <= over).count())?;
    let took = jobs.iter().map(|job| millis(job.ended - job.offered)).collect();
    let took_ms = Percentiles::of(took).context("no short job was offered")?;
    Ok(Pace { beside, seconds, offered, per_second: f64::from(in_time) / seconds, took_ms, met: true })
}

struct Short {
    offered: Instant,
    ended: Instant,
}

async fn short(caller: Caller) -> Result<Short> {
    let offered = Instant::now();
    let id = caller.enqueue(&short_job()).await?;
    let end = caller.ends(std::slice::from_ref(&id)).await?.next().await?;
    let ended = Instant::now();
    ensure!(end.state == "succeeded", "a short job is {}: {id}", end.state);
    Ok(Short { offered, ended })
}

/// Waits until memory is back, as long as it may take, and tells what it is then.
async fn settled(pid: u32, before_kib: u64) -> Result<Memory> {
    let deadline = Instant::now() + SETTLE;
    loop {
        let after_kib = resident(pid)?;
        let growth = after_kib.cast_signed() - before_kib.cast_signed();
        let met = growth <= GROWTH_KIB_MAX;
        if met || Instant::now() >= deadline {
            return Ok(Memory { before_kib, after_kib, met });
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn resident(pid: u32) -> Result<u64> {
    resident_kib(pid).with_context(|| format!("read the memory of process {pid}"))
}
