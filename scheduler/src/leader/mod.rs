//! Leadership: a replica follows or leads, and each of the two states returns into the other.
//!
//! ```text
//!            elected                 lost · doubt · a part broke
//! follow ───────────────▶ lead ──────────────────────────────────▶ follow
//!    ▲└──── draining ────▶ over ◀──── draining (resigns) ──── lead
//!    └──────────────── another reaches the broker (resigns, stands back) ◀─┘
//! ```
//!
//! The database judges who leads; the holder trusts itself only by its own monotonic clock, counted from
//! before it asked, and some time less than the database would. Leading saves work, it never protects
//! truth: whatever a leader writes is harmless when done twice.
//!
//! How long nobody leads: after a kill the rest of the term and a follower's next question, that is at the most
//! 1.25 terms and what the store takes to answer; after a resignation only the next question, a quarter of a term.

mod dispatcher;
mod firing;
mod handover;
mod rescuer;
mod sight;
mod transactions;
mod watcher;

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use service::Shutdown;
use store::{Elect, Store, Term};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use crate::answer::within;
use crate::carrier::Bell;
use crate::desk::Desk;
use crate::hosts::Hosts;
use crate::standing::Standing;
use crate::tasks::Tasks;
use dispatcher::Dispatcher;
use firing::Firing;
use rescuer::Rescuer;
use transactions::Transactions;
use watcher::{Gone, Watcher};

/// The holder stops trusting itself this long before the database would: the drift of two clocks over a
/// term, and the time in which it stops.
const SLACK: Duration = Duration::from_millis(300);

/// Renewals in a term, and a follower's questions whether it has run out.
const RENEWALS: u32 = 4;

/// How long a replica stands back that handed over, unless the broker answers it sooner: others that do not reach the
/// broker either may have to hand over after it.
const STANDS_BACK: Duration = Duration::from_secs(10);

/// Until when a leader may trust itself.
#[derive(Clone)]
pub(crate) struct Trust(Arc<Mutex<Instant>>);

impl Trust {
    fn new(until: Instant) -> Self {
        Self(Arc::new(Mutex::new(until)))
    }

    fn until(&self) -> Instant {
        *self.0.lock().expect("nobody panics while holding it")
    }

    fn extend(&self, until: Instant) {
        *self.0.lock().expect("nobody panics while holding it") = until;
    }

    /// Whether it may still act as the leader. Looked at before each step, for the process may have been
    /// stopped since the last.
    pub(crate) fn holds(&self) -> bool {
        Instant::now() < self.until()
    }

    /// Begins a part of a leader, which takes steps only while this holds.
    fn begin<P: Future<Output = ()> + Send + 'static>(
        &self,
        parts: &mut JoinSet<()>,
        reign: &Shutdown,
        part: impl FnOnce(Shutdown) -> P,
    ) {
        let (trust, part) = (self.clone(), part(reign.clone()));
        parts.spawn(async move { trust.confine(part).await });
    }

    /// Takes the steps of `part` only while it holds: a process that was stopped in the middle of one sends nothing when
    /// it wakes. Then it stands still, until the end of the reign drops it.
    async fn confine(&self, part: impl Future<Output = ()>) {
        let mut part = pin!(part);
        poll_fn(|context| if self.holds() { part.as_mut().poll(context) } else { Poll::Pending }).await;
    }
}

/// What a leader works with.
#[derive(Clone)]
pub(crate) struct Tools {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) desk: Arc<Desk>,
    pub(crate) bell: Bell,
    pub(crate) tasks: Arc<Tasks>,
    pub(crate) hosts: Arc<Hosts>,
    /// What it shows to other replicas.
    pub(crate) token: Option<String>,
    /// For how long a transaction may be open before it is warned of.
    pub(crate) long_transaction: Duration,
}

/// A replica that takes part in elections.
pub(crate) struct Candidate {
    tools: Tools,
    elect: Elect,
    term: Duration,
    standing: watch::Sender<Standing>,
}

enum Next {
    /// Follow; the store may have been away until now.
    Follow {
        away: bool,
    },
    /// Follow, and leave elections to those who reach the broker.
    StandBack,
    /// Elected, by an answer to a question asked then; the store may have been away until it was asked.
    Lead {
        term: Term,
        asked: Instant,
        away: bool,
    },
    Over,
}

/// Why a reign ends.
enum End {
    Stops,
    /// To whoever reaches the broker.
    HandsOver(&'static str),
    Lost(&'static str),
    Broke,
}

impl Candidate {
    pub(crate) fn new(tools: Tools, elect: Elect, term: Duration, standing: watch::Sender<Standing>) -> Self {
        Self { tools, elect, term, standing }
    }

    /// Takes part until the shutdown drains.
    pub(crate) async fn run(self, shutdown: Shutdown) {
        let mut next = Next::Follow { away: false };
        loop {
            next = match next {
                Next::Follow { away } => self.follow(None, away, &shutdown).await,
                Next::StandBack => self.follow(Some(Instant::now() + STANDS_BACK), false, &shutdown).await,
                Next::Lead { term, asked, away } => self.lead(term, asked, away, &shutdown).await,
                Next::Over => return,
            };
        }
    }

    /// The end of the trust that an answer to a question asked at `asked` gives.
    fn trusted(&self, asked: Instant) -> Instant {
        asked + self.term.saturating_sub(SLACK.min(self.term / 2))
    }

    /// When the question that follows one asked at `asked` is due: a slow answer does not put it off.
    fn next(&self, asked: Instant) -> Instant {
        asked + self.term / RENEWALS
    }

    /// Stands for election; until `back` only if the broker answers.
    async fn follow(&self, back: Option<Instant>, away: bool, shutdown: &Shutdown) -> Next {
        // Side by side: an election does not wait for the answer who leads.
        tokio::select! {
            next = self.stand(back, away, shutdown) => next,
            never = self.learn() => match never {},
        }
    }

    /// Asks for the leadership until it gets it.
    async fn stand(&self, back: Option<Instant>, mut away: bool, shutdown: &Shutdown) -> Next {
        if let Some(back) = back {
            self.stand_back(back, shutdown).await;
        }
        let mut failing = false;
        while !shutdown.is_draining() {
            let asked = Instant::now();
            // Not dropped half-way: an election that was won must be known, to be resigned from.
            match within(self.term, self.tools.store.elect(self.elect.clone())).await {
                Ok(Some(term)) => return Next::Lead { term, asked, away },
                Ok(None) => (failing, away) = (false, false),
                Err(error) => {
                    if !failing {
                        tracing::warn!(%error, "no election: the store does not answer; it is tried again");
                    }
                    (failing, away) = (true, true);
                }
            }
            tokio::select! {
                () = shutdown.draining() => {}
                () = sleep_until(self.next(asked)) => {}
            }
        }
        Next::Over
    }

    /// Waits until `until`, or until the broker answers.
    async fn stand_back(&self, until: Instant, shutdown: &Shutdown) {
        while self.tools.desk.is_down() && Instant::now() < until && !shutdown.is_draining() {
            tokio::select! {
                () = shutdown.draining() => {}
                () = sleep(self.term / RENEWALS) => {}
            }
        }
    }

    /// Learns where the leader is, again and again.
    async fn learn(&self) -> Infallible {
        loop {
            if let Ok(leader) = within(self.term, self.tools.store.leader()).await {
                let standing = Standing::Following(leader.map(|leader| leader.address));
                self.standing.send_if_modified(|known| {
                    let other = *known != standing;
                    if other {
                        *known = standing;
                    }
                    other
                });
            }
            sleep(self.term / RENEWALS).await;
        }
    }

    async fn lead(&self, term: Term, asked: Instant, away: bool, shutdown: &Shutdown) -> Next {
        tracing::info!(term = term.0, holder = self.elect.holder, "this replica leads");
        let trust = Trust::new(self.trusted(asked));
        let reign = shutdown.child();
        let mut parts = self.parts(&trust, &reign, away);
        self.standing.send_replace(Standing::Leading);

        let end = tokio::select! {
            biased;
            () = shutdown.draining() => End::Stops,
            why = self.hold(term, asked, &trust) => End::Lost(why),
            _ = parts.join_next() => End::Broke,
            why = handover::due(&self.tools, &self.elect.holder) => End::HandsOver(why),
        };

        self.standing.send_replace(Standing::Following(None));
        reign.now();
        parts.shutdown().await;
        match end {
            End::Lost(why) if !shutdown.is_draining() => {
                tracing::warn!(term = term.0, "this replica leads no more: {why}");
                Next::Follow { away: true }
            }
            End::Broke if !shutdown.is_draining() => {
                tracing::error!(term = term.0, "this replica leads no more: a part of it broke");
                self.resign(term).await;
                // Another one leads, if there is one.
                tokio::select! {
                    () = shutdown.draining() => Next::Over,
                    () = sleep(self.term) => Next::Follow { away: false },
                }
            }
            End::HandsOver(why) if !shutdown.is_draining() => {
                tracing::warn!(term = term.0, "this replica leads no more: {why}");
                self.resign(term).await;
                Next::StandBack
            }
            End::Stops | End::HandsOver(_) | End::Lost(_) | End::Broke => {
                self.resign(term).await;
                Next::Over
            }
        }
    }

    /// Starts what a leader does.
    fn parts(&self, trust: &Trust, reign: &Shutdown, away: bool) -> JoinSet<()> {
        let mut parts = JoinSet::new();
        let dispatcher = Dispatcher::new(self.tools.clone(), trust.clone());
        let firing = Firing::new(self.tools.clone(), trust.clone());
        let gone = Arc::new(Gone::default());
        let rescuer = Rescuer::new(self.tools.clone(), trust.clone(), Arc::clone(&gone), away);
        let watcher = Watcher::new(self.tools.clone(), trust.clone(), gone);
        let transactions = Transactions::new(self.tools.clone(), trust.clone());
        trust.begin(&mut parts, reign, |ends| async move { dispatcher.run(&ends).await });
        trust.begin(&mut parts, reign, |ends| async move { firing.run(&ends).await });
        trust.begin(&mut parts, reign, |ends| async move { rescuer.run(&ends).await });
        trust.begin(&mut parts, reign, |ends| async move { watcher.run(&ends).await });
        trust.begin(&mut parts, reign, |ends| async move { transactions.run(&ends).await });
        parts
    }

    async fn resign(&self, term: Term) {
        match within(self.term, self.tools.store.resign(&self.elect.holder, term)).await {
            Ok(()) => tracing::info!(term = term.0, "this replica resigned"),
            Err(error) => {
                tracing::warn!(term = term.0, %error, "resigning failed; the term runs out by itself");
            }
        }
    }

    /// Renews the term, which the store gave when it was asked at `asked`, until it is lost or in doubt, and says
    /// why.
    async fn hold(&self, term: Term, mut asked: Instant, trust: &Trust) -> &'static str {
        let mut failing = false;
        loop {
            tokio::select! {
                biased;
                () = sleep_until(trust.until()) => return "its term could not be renewed in time",
                () = sleep_until(self.next(asked)) => {}
            }
            asked = Instant::now();
            let renewal = self.tools.store.renew(self.elect.clone(), term);
            match timeout_at(trust.until(), renewal).await {
                Ok(Ok(true)) if trust.holds() => {
                    failing = false;
                    trust.extend(self.trusted(asked));
                }
                Ok(Ok(true)) | Err(_) => return "its term could not be renewed in time",
                Ok(Ok(false)) => return "the term is another's",
                Ok(Err(error)) => {
                    if !failing {
                        tracing::warn!(%error, "the term was not renewed; it is tried again");
                    }
                    failing = true;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use futures::poll;
    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn a_part_of_a_leader_takes_no_step_once_its_trust_is_over() {
        let trust = Trust::new(Instant::now() + Duration::from_secs(3600));
        let (steps, next) = (AtomicU32::new(0), Notify::new());
        let mut part = pin!(trust.confine(async {
            loop {
                steps.fetch_add(1, Ordering::Relaxed);
                next.notified().await;
            }
        }));

        assert!(poll!(part.as_mut()).is_pending());
        next.notify_one();
        assert!(poll!(part.as_mut()).is_pending() && steps.load(Ordering::Relaxed) == 2);
        trust.extend(Instant::now());
        next.notify_one();

        assert!(poll!(part.as_mut()).is_pending());
        assert_eq!(steps.load(Ordering::Relaxed), 2);
    }
}
