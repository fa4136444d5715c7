//! Watches the hosts: tells a process that is gone from one that is silent, and has its jobs taken back at once.
//!
//! ```text
//! store.sessions ──▶ one watch for each open session ──▶ sight (what follows?) ──▶ gone ──▶ rescuer, woken
//!   each 500 ms         dial ─ stream ─ broke ─ dial           │
//!                                                              └─▶ anything else: its lease decides
//! ```
//!
//! A watch ends with the process on the other side: its stream breaks within a round trip after a kill, where a lease
//! would have to run out. Losing a watch is harmless, and so is a watch that is wrong (see [`super::sight`]).

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context;
use model::id::SessionId;
use rpc::{Code, Error, HostDialer, HostWatch};
use service::{Shutdown, Ticks, backoff};
use store::OpenedSession;
use tokio::sync::{Notify, Semaphore};
use tokio::time::{Instant, sleep};
use tokio_util::task::AbortOnDropHandle;

use super::sight::{Seen, Sight, Verdict};
use super::{Tools, Trust};
use crate::answer::within;

/// Between two looks at which sessions are open: a host is watched that much after it began.
const EVERY: Duration = Duration::from_millis(500);

/// The longest wait while the store fails.
const BACKOFF_MAX: Duration = Duration::from_secs(5);

/// How long the store may take.
const DEADLINE: Duration = Duration::from_secs(5);

/// Most hosts that are watched, a connection each; those beyond are left to their leases.
const WATCHES_MAX: usize = 2_000;

/// Most hosts that are dialled at once: a new leader has all of them to dial.
const DIALS_MAX: usize = 64;

/// How long a host may take to be reached, and again to answer.
const DIAL_PATIENCE: Duration = Duration::from_millis(1_500);

/// Between two dials: the first comes at once, for a killed process refuses at once.
const REDIAL_FIRST: Duration = Duration::from_millis(20);
const REDIAL_MAX: Duration = Duration::from_secs(2);

/// A watch that lasted for as long was a good one, and is dialled again at once.
const LASTED: Duration = Duration::from_secs(2);

/// Between two dials of a host that does not let itself be watched: of another release, or with another token.
const REFUSAL_WAIT: Duration = Duration::from_secs(30);

/// A session whose address has refused for as long although it is open is told to people: a host that died would have
/// lost a usual lease by then.
const NEVER_THERE_AFTER: Duration = Duration::from_secs(15);

/// The sessions that are gone and not closed yet.
#[derive(Debug, Default)]
pub(super) struct Gone {
    sessions: Mutex<BTreeSet<SessionId>>,
    /// Rung when there is something to close.
    pub(super) wake: Arc<Notify>,
}

impl Gone {
    /// All of them.
    pub(super) fn list(&self) -> Vec<SessionId> {
        self.locked().iter().copied().collect()
    }

    fn add(&self, session: SessionId) {
        self.locked().insert(session);
        self.wake.notify_one();
    }

    /// Forgets those that are closed. What is left is to be tried again: a claim of it was under way.
    fn keep(&self, open: &BTreeSet<SessionId>) {
        let mut sessions = self.locked();
        sessions.retain(|session| open.contains(session));
        if !sessions.is_empty() {
            self.wake.notify_one();
        }
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, BTreeSet<SessionId>> {
        self.sessions.lock().expect("nobody panics while holding it")
    }
}

/// Watches.
pub(super) struct Watcher {
    tools: Tools,
    trust: Trust,
    dialer: HostDialer,
    dials: Arc<Semaphore>,
    gone: Arc<Gone>,
    watches: Mutex<Watches>,
}

#[derive(Default)]
struct Watches {
    /// Of each open session; one that found its session gone has ended. Dropped, they end.
    running: HashMap<SessionId, AbortOnDropHandle<()>>,
    /// It was said that there are too many.
    too_many: bool,
}

impl Watcher {
    pub(super) fn new(tools: Tools, trust: Trust, gone: Arc<Gone>) -> Self {
        let dialer = HostDialer { token: tools.token.clone(), timeout: DIAL_PATIENCE };
        let dials = Arc::new(Semaphore::new(DIALS_MAX));
        Self { tools, trust, dialer, dials, gone, watches: Mutex::default() }
    }

    pub(super) async fn run(&self, shutdown: &Shutdown) {
        let ticks = Ticks { name: "watcher", period: EVERY, backoff_max: BACKOFF_MAX, wake: None };
        ticks.run(shutdown, || self.tick()).await;
    }

    async fn tick(&self) -> anyhow::Result<()> {
        if !self.trust.holds() {
            return Ok(());
        }
        let sessions = within(DEADLINE, self.tools.store.sessions()).await.context("list the sessions")?;
        let open = sessions.iter().map(|session| session.id).collect();
        self.gone.keep(&open);
        self.watch(sessions, &open);
        Ok(())
    }

    /// Watches these and no others.
    fn watch(&self, sessions: Vec<OpenedSession>, open: &BTreeSet<SessionId>) {
        let mut watches = self.watches.lock().expect("nobody panics while holding it");
        watches.running.retain(|session, _| open.contains(session));
        for session in sessions {
            if watches.running.contains_key(&session.id) {
                continue;
            }
            if watches.running.len() >= WATCHES_MAX {
                if !std::mem::replace(&mut watches.too_many, true) {
                    tracing::warn!("more than {WATCHES_MAX} hosts: the others are left to their leases");
                }
                return;
            }
            let id = session.id;
            let watch = Watch {
                sight: Sight::of(session),
                trust: self.trust.clone(),
                dialer: self.dialer.clone(),
                dials: Arc::clone(&self.dials),
                gone: Arc::clone(&self.gone),
                refused_since: None,
                told: Told::default(),
            };
            watches.running.insert(id, AbortOnDropHandle::new(tokio::spawn(watch.run())));
        }
        watches.too_many &= watches.running.len() >= WATCHES_MAX;
    }
}

/// The watch of one session.
struct Watch {
    sight: Sight,
    trust: Trust,
    dialer: HostDialer,
    dials: Arc<Semaphore>,
    gone: Arc<Gone>,
    refused_since: Option<Instant>,
    told: Told,
}

/// What people were told of a session, once.
#[derive(Default)]
struct Told {
    watched: bool,
    foreign: bool,
    never_there: bool,
    unwatchable: bool,
}

/// Whether there is more to watch.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Go,
    Over,
}

impl Watch {
    /// Watches until the session is found gone.
    async fn run(mut self) {
        let waits = || backoff(REDIAL_FIRST, REDIAL_MAX);
        let mut redials = waits();
        loop {
            let mut wait = None;
            let began = Instant::now();
            let next = match self.dial().await {
                Ok(stream) => self.listen(stream).await,
                Err(error) if is_refusal(&error) => {
                    wait = Some(REFUSAL_WAIT);
                    self.tell_unwatchable(&error)
                }
                Err(error) => self.ask(&error).await,
            };
            if next == Next::Over {
                return;
            }
            if began.elapsed() >= LASTED && self.refused_since.is_none() {
                redials = waits();
            }
            sleep(wait.or_else(|| redials.next()).unwrap_or(REDIAL_MAX)).await;
        }
    }

    async fn dial(&self) -> Result<HostWatch, Error> {
        // Nobody closes it.
        let _turn = self.dials.acquire().await;
        self.dialer.watch(&self.sight.session().address).await
    }

    /// Listens until the stream ends or breaks.
    async fn listen(&mut self, mut stream: HostWatch) -> Next {
        self.refused_since = None;
        self.sight.see(Seen::Opened);
        loop {
            match stream.next().await {
                Ok(Some(said)) => {
                    let session = (said.session != 0).then_some(SessionId(said.session));
                    let verdict = self.sight.see(Seen::Said { name: &said.name, session });
                    if self.obey(verdict, &said.name) == Next::Over {
                        return Next::Over;
                    }
                    self.tell_watched();
                }
                Ok(None) => return Next::Go,
                Err(error) => {
                    tracing::debug!(host = self.sight.session().name, %error, "the watch of a host broke");
                    return Next::Go;
                }
            }
        }
    }

    /// A host that was not reached: gone, or only silent?
    async fn ask(&mut self, error: &Error) -> Next {
        let OpenedSession { name, address, .. } = self.sight.session();
        if !self.dialer.refuses(address).await {
            tracing::debug!(host = name, address, %error, "a host is not reached: its lease decides");
            self.refused_since = None;
            return Next::Go;
        }
        let verdict = self.sight.see(Seen::Refused);
        self.obey(verdict, "")
    }

    fn obey(&mut self, verdict: Verdict, said: &str) -> Next {
        let OpenedSession { id, name, address } = self.sight.session();
        match verdict {
            Verdict::Wait => {}
            // Another leads by now, and watches too.
            Verdict::Gone(_) if !self.trust.holds() => return Next::Over,
            Verdict::Gone(how) => {
                tracing::warn!(session = %id, host = name, address, "host {name} is gone, {how}: its jobs run elsewhere");
                self.gone.add(*id);
                return Next::Over;
            }
            Verdict::Foreign => {
                if !std::mem::replace(&mut self.told.foreign, true) {
                    tracing::warn!(
                        session = %id, host = name, address, answers = said,
                        "another host answers at the address of host {name}: is its --advertise right?"
                    );
                }
            }
            Verdict::NeverThere => {
                let since = *self.refused_since.get_or_insert_with(Instant::now);
                if since.elapsed() >= NEVER_THERE_AFTER
                    && !std::mem::replace(&mut self.told.never_there, true)
                {
                    tracing::warn!(
                        session = %id, host = name, address,
                        "nobody listens at the address of host {name}: is its --advertise right?"
                    );
                }
            }
        }
        Next::Go
    }

    fn tell_watched(&mut self) {
        let OpenedSession { id, name, .. } = self.sight.session();
        if self.sight.is_named() && !std::mem::replace(&mut self.told.watched, true) {
            tracing::debug!(session = %id, host = name, "host {name} is watched");
        }
    }

    fn tell_unwatchable(&mut self, error: &Error) -> Next {
        let OpenedSession { id, name, address } = self.sight.session();
        if !std::mem::replace(&mut self.told.unwatchable, true) {
            tracing::warn!(
                session = %id, host = name, address, %error,
                "host {name} cannot be watched: when it is gone, its jobs wait for its lease"
            );
        }
        Next::Go
    }
}

/// Whether the host, or its address, does not let itself be watched at all: to ask again soon brings nothing.
fn is_refusal(error: &Error) -> bool {
    matches!(error.code, Code::Invalid | Code::Unauthenticated | Code::Denied)
}
