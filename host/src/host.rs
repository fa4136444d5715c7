//! The host: its parts and their life.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, bail};
use broker::Broker;
use model::attempt::StopReason;
use model::clock::Clock;
use sandbox::Sandbox;
use service::{Shutdown, Ticks};
use store::clock::{LOOK_EVERY, StoreClock};
use store::{OpenSession, Store};
use tokio::sync::{Semaphore, oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::Config;
use crate::attempt::{Runner, RunnerParts};
use crate::control::{Control, serve};
use crate::executor::{Executor, SandboxExecutor};
use crate::finisher::Finisher;
use crate::outside::Outside;
use crate::patience::patient;
use crate::puller::Puller;
use crate::running::Running;
use crate::session::Session;
use crate::session::heart::Heart;

/// The shortest lease: there must be time for several signs of life, and for the margin.
const LEASE_MIN: Duration = Duration::from_secs(1);

/// Most slots: more attempts at once than any machine has room for.
const SLOTS_MAX: usize = 10_000;

/// How long what was stopped may take to be reported once the host must end: a commit takes far less on a
/// busy machine. What is not reported is given back by closing the session, or by the end of its lease.
const REPORT_PATIENCE: Duration = Duration::from_secs(5);

/// What a host works with.
#[derive(Clone)]
pub struct Parts {
    /// The truth.
    pub store: Arc<dyn Store>,
    /// The ready queue.
    pub broker: Arc<dyn Broker>,
    /// Where tasks run.
    pub sandbox: Arc<Sandbox>,
}

/// A worker host that is ready to run.
pub struct Host {
    config: Config,
    store: Arc<dyn Store>,
    broker: Arc<dyn Broker>,
    executor: Arc<dyn Executor>,
    outside: Arc<Outside>,
    listener: TcpListener,
    bound: SocketAddr,
}

impl Host {
    /// Checks the configuration and binds the control service's address.
    ///
    /// # Errors
    /// When the address cannot be bound or the configuration (the mail relay, say) makes no sense.
    pub async fn new(config: Config, parts: Parts) -> anyhow::Result<Self> {
        let executor = SandboxExecutor::new(parts.sandbox, Arc::clone(&parts.store));
        let executor = Arc::new(executor.context("start the threads of guests")?);
        Self::with_executor(config, parts.store, parts.broker, executor).await
    }

    /// The same with another executor in the sandbox's place.
    ///
    /// # Errors
    /// As [`Host::new`].
    pub async fn with_executor(
        config: Config,
        store: Arc<dyn Store>,
        broker: Arc<dyn Broker>,
        executor: Arc<dyn Executor>,
    ) -> anyhow::Result<Self> {
        if config.slots == 0 || config.slots > SLOTS_MAX {
            bail!("a host has 1 to {SLOTS_MAX} slots, not {}", config.slots);
        }
        if config.lease < LEASE_MIN {
            bail!("a lease has at least {LEASE_MIN:?}, not {:?}", config.lease);
        }
        let outside =
            Outside::new(&config.version, &config.allow_networks, &config.mail, config.secrets.clone())?;
        let listener = TcpListener::bind(config.listen)
            .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
            .with_context(|| format!("listen at {}", config.listen))?;
        let bound = listener.local_addr().context("read the address it listens at")?;
        if config.advertise.is_none() && bound.ip().is_unspecified() {
            tracing::warn!("schedulers cannot reach {bound}: name an address with --advertise");
        }
        Ok(Self { config, store, broker, executor, outside: Arc::new(outside), listener, bound })
    }

    /// The URL under which the control service is reached.
    #[must_use]
    pub fn address(&self) -> String {
        self.config.advertise.clone().unwrap_or_else(|| format!("http://{}", self.bound))
    }

    /// Works until the shutdown drains; then takes no more, lets what runs end, and gives the rest back when
    /// the shutdown ends. The heartbeat goes on until the last attempt is reported.
    ///
    /// # Errors
    /// When it cannot go on.
    pub async fn run(self, shutdown: Shutdown) -> anyhow::Result<()> {
        let (name, address, slots) = (self.config.name.clone(), self.address(), self.config.slots);
        let store = Arc::clone(&self.store);
        let Works { puller, heart, control, listener, clock } = self.works(&shutdown);
        let taking = puller.taking.clone();
        let (running, runner) = (Arc::clone(&puller.running), Arc::clone(&puller.runner));
        let sessions = puller.sessions.clone();
        let mut thread = ControlThread::start(heart, control, listener)?;
        tracing::info!(host.name = name, address, slots, "host started");

        let pulling = tokio::spawn(pull(puller, clock));
        let broken = tokio::select! {
            () = shutdown.draining() => false,
            () = thread.broke() => true,
        };
        taking.drain();
        let session = sessions.borrow().clone();
        match session {
            // Nobody keeps the lease any more, or says when it is lost.
            session if broken => {
                taking.now();
                session.inspect(|session| session.lose());
            }
            Some(session) if running.count() > 0 => show_draining(store, session),
            _ => {}
        }
        settle(&taking, &running, &runner, pulling).await?;
        let ended = thread.end().await;
        tracing::info!(host.name = name, attempts = runner.recorded(), "host stopped");
        ended
    }

    /// Puts the parts together.
    fn works(self, shutdown: &Shutdown) -> Works {
        let address = self.address();
        let Self { config, store, broker, executor, outside, listener, .. } = self;
        let taking = shutdown.child();
        let running = Running::new(Arc::clone(&executor));
        let clock = Arc::new(StoreClock::new());
        let runner = Runner::new(RunnerParts {
            store: Arc::clone(&store),
            executor: Arc::clone(&executor),
            running: Arc::clone(&running),
            outside,
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            finisher: Finisher::start(Arc::clone(&store), Arc::clone(&broker)),
            slots: config.slots,
            limits_max: config.limits_max,
        });
        let (sessions, watched) = watch::channel(None);
        let puller = Puller {
            store: Arc::clone(&store),
            broker,
            queues: config.queues,
            slots: Arc::new(Semaphore::new(config.slots)),
            sessions: watched.clone(),
            running: Arc::clone(&running),
            runner: Arc::clone(&runner),
            taking: taking.clone(),
        };
        let heart = Heart {
            store: Arc::clone(&store),
            open: OpenSession {
                name: config.name.clone(),
                address,
                version: config.version.clone(),
                slots: u32::try_from(config.slots).unwrap_or(u32::MAX),
                lease_ms: u32::try_from(config.lease.as_millis()).unwrap_or(u32::MAX),
            },
            lease: config.lease,
            running: Arc::clone(&running),
            taking: taking.clone(),
            sessions,
        };
        let control = Control {
            name: config.name,
            version: config.version,
            slots: config.slots,
            token: config.token,
            store,
            executor,
            running,
            runner,
            sessions: watched,
            taking,
        };
        Works { puller, heart, control: Arc::new(control), listener, clock }
    }
}

/// The parts of a host that run.
struct Works {
    puller: Puller,
    heart: Heart,
    control: Arc<Control>,
    listener: TcpListener,
    clock: Arc<StoreClock>,
}

/// Takes jobs until told to take no more, and keeps the time that they are told meanwhile. It is known before the
/// first of them.
async fn pull(puller: Puller, clock: Arc<StoreClock>) {
    let (store, taking) = (Arc::clone(&puller.store), puller.taking.clone());
    let look = || patient(clock.look(&*store));
    tokio::select! {
        () = taking.draining() => {}
        // Without an answer there is the next look.
        _ = look() => {}
    }
    let looks = Ticks {
        name: "reading the database's clock",
        period: LOOK_EVERY,
        backoff_max: LOOK_EVERY,
        wake: None,
    };
    let looking = async {
        looks.run(&taking, look).await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = puller.run() => {}
        () = looking => {}
    }
}

/// Lets the store show that the host drains: that may take a while.
fn show_draining(store: Arc<dyn Store>, session: Arc<Session>) {
    tokio::spawn(async move {
        if let Err(error) = patient(store.drain(session.id())).await {
            tracing::debug!(%error, "the drain is not shown in the store");
        }
    });
}

/// Waits for what runs, and stops it when the shutdown ends.
async fn settle(
    shutdown: &Shutdown,
    running: &Running,
    runner: &Runner,
    pulling: tokio::task::JoinHandle<()>,
) -> anyhow::Result<()> {
    let all = async {
        let pulled = pulling.await;
        runner.idle().await;
        pulled
    };
    tokio::pin!(all);
    let pulled = tokio::select! {
        pulled = &mut all => pulled,
        () = shutdown.ending() => {
            let stopped = running.close(StopReason::Drain);
            if stopped > 0 {
                tracing::info!(stopped, "what still runs is stopped and given back");
            }
            match tokio::time::timeout(REPORT_PATIENCE, &mut all).await {
                Ok(pulled) => pulled,
                Err(_) => {
                    tracing::warn!("the store took no report within {REPORT_PATIENCE:?}: the session is given back whole");
                    return Ok(());
                }
            }
        }
    };
    pulled.context("take jobs")
}

/// The thread of heartbeat, control service and graces, with a runtime of its own that no guest can starve.
struct ControlThread {
    stop: CancellationToken,
    ended: oneshot::Receiver<anyhow::Result<()>>,
    early: Option<anyhow::Result<()>>,
    thread: JoinHandle<()>,
}

impl ControlThread {
    fn start(heart: Heart, control: Arc<Control>, listener: TcpListener) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("start the control thread's runtime")?;
        let stop = CancellationToken::new();
        let (end, ended) = oneshot::channel();
        let stopped = stop.clone();
        let running = Arc::clone(&control.running);
        let thread = std::thread::Builder::new()
            .name("host-control".to_owned())
            .spawn(move || {
                let served = runtime.block_on(async {
                    let listening = CancellationToken::new();
                    let serving = serve(listener, control, listening.clone());
                    tokio::pin!(serving);
                    tokio::select! {
                        served = &mut serving => return served,
                        never = running.keep_graces() => match never {},
                        () = heart.run(&stopped) => {}
                    }
                    listening.cancel();
                    serving.await
                });
                runtime.shutdown_background();
                // Whoever waited for it may be gone.
                let _ = end.send(served.context("serve the control service"));
            })
            .context("start the control thread")?;
        Ok(Self { stop, ended, early: None, thread })
    }

    /// Returns when the thread has ended although nobody asked it to.
    async fn broke(&mut self) {
        let ended = (&mut self.ended).await;
        self.early = Some(ended.unwrap_or_else(|_| bail_out()));
    }

    /// Ends the session, then the service, then the thread.
    async fn end(self) -> anyhow::Result<()> {
        self.stop.cancel();
        let ended = match self.early {
            Some(early) => early.and_then(|()| bail_out()),
            None => self.ended.await.unwrap_or_else(|_| bail_out()),
        };
        // It has said its last word; a panic was reported by the panic hook.
        let _ = self.thread.join();
        ended
    }
}

fn bail_out() -> anyhow::Result<()> {
    bail!("the control thread broke")
}
