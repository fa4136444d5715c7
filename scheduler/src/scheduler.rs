//! A scheduler replica: its parts and their life.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use broker::Broker;
use model::clock::Clock;
use sandbox::Sandbox;
use service::{Shutdown, Tasks, Ticks};
use store::clock::{LOOK_EVERY, StoreClock};
use store::{Elect, Store};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use uuid::Uuid;

use crate::Config;
use crate::answer::within;
use crate::api::{Api, Ingredients};
use crate::carrier::Carrier;
use crate::desk::Desk;
use crate::hosts::Hosts;
use crate::http::router;
use crate::leader::{Candidate, Tools};
use crate::lookout;
use crate::standing::Standing;
use crate::waiting::Waiting;

/// Between two pings of a quiet connection, and how long the answer may take: a client that vanished is
/// noticed within half a minute, and what it waited for is let go.
const KEEPALIVE: Duration = Duration::from_secs(15);

/// How long the start waits for the database's time.
const CLOCK_PATIENCE: Duration = Duration::from_secs(2);

/// What a scheduler works with.
#[derive(Clone)]
pub struct Parts {
    /// The truth.
    pub store: Arc<dyn Store>,
    /// The ready queue.
    pub broker: Arc<dyn Broker>,
    /// Where published components are checked.
    pub sandbox: Arc<Sandbox>,
}

/// A scheduler replica that is ready to run.
pub struct Scheduler {
    config: Config,
    parts: Parts,
    listener: TcpListener,
    listens_at: SocketAddr,
}

impl Scheduler {
    /// Checks the configuration and binds the API's address.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn new(mut config: Config, parts: Parts) -> anyhow::Result<Self> {
        let at = config.listen;
        let listener = TcpListener::bind(at).await.with_context(|| format!("listen at {at}"))?;
        let listens_at = listener.local_addr().context("read the address that was bound")?;
        // An empty variable in a deployment's file means that there is none.
        config.token = config.token.filter(|token| !token.is_empty());
        Ok(Self { config, parts, listener, listens_at })
    }

    /// The URL of API and dashboard, by the address it listens at.
    #[must_use]
    pub fn address(&self) -> String {
        let mut at = self.listens_at;
        if at.ip().is_unspecified() {
            at.set_ip(if at.is_ipv4() {
                Ipv4Addr::LOCALHOST.into()
            } else {
                IpAddr::V6(Ipv6Addr::LOCALHOST)
            });
        }
        format!("http://{at}")
    }

    /// Answers the API, and leads when it is elected, until the shutdown drains; then resigns, answers what is
    /// under way, and returns.
    ///
    /// # Errors
    /// When it cannot go on.
    pub async fn run(self, shutdown: Shutdown) -> anyhow::Result<()> {
        let address = self.address();
        let Self { config, parts, listener, .. } = self;
        let Parts { store, broker, sandbox } = parts;
        let clock = Arc::new(StoreClock::new());
        // Without an answer there is the next look.
        let _ = within(CLOCK_PATIENCE, clock.look(&*store)).await;
        let id = format!("scheduler-{}", &Uuid::new_v4().simple().to_string()[..12]);
        let advertised = config.advertise.unwrap_or_else(|| address.clone());
        tracing::info!(scheduler.id = id, address, advertised, "the scheduler listens");

        let (standing, stands) = watch::channel(Standing::Following(None));
        let desk = Arc::new(Desk::new(Arc::clone(&broker)));
        let token = config.token;
        let (bell, carrier) =
            Carrier::new(Arc::clone(&desk), Arc::clone(&broker), stands.clone(), token.clone());
        let tasks = Arc::new(crate::tasks::Tasks::new(Arc::clone(&store)));
        let waiting = Arc::new(Waiting::default());
        let hosts = Arc::new(Hosts::new(Arc::clone(&store), token.clone()));
        let lease_ms = u32::try_from(config.term.as_millis()).context("read the term")?;
        let tools = Tools {
            store: Arc::clone(&store),
            desk: Arc::clone(&desk),
            bell: bell.clone(),
            tasks: Arc::clone(&tasks),
            hosts: Arc::clone(&hosts),
            token: token.clone(),
            long_transaction: config.long_transaction,
        };
        let elect = Elect { holder: id, address: advertised, lease_ms };
        let candidate = Candidate::new(tools, elect, config.term, standing);
        let api = Api::new(Ingredients {
            store: Arc::clone(&store),
            sandbox,
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            tasks: Arc::clone(&tasks),
            waiting: Arc::clone(&waiting),
            bell,
            desk: Arc::clone(&desk),
            standing: stands.clone(),
            hosts,
            limits_max: config.limits_max,
            version: config.version.clone(),
            shutdown: shutdown.clone(),
        });
        let pages = dashboard::Parts {
            store: Arc::clone(&store),
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            version: config.version,
        };
        let routes = router(api, pages, Arc::clone(&desk), token.as_deref(), shutdown.clone());

        let mut parts = Tasks::new(shutdown.clone());
        // What serves the API's calls ends after the last of them.
        let served = Shutdown::new();
        let (carries, waits) = (served.clone(), served.clone());
        let (looks, elects) = (shutdown.clone(), shutdown.clone());
        parts.spawn("clock", quietly(keep(clock, Arc::clone(&store), served.clone())));
        parts.spawn("carrier", quietly(async move { carrier.run(carries).await }));
        parts.spawn("waiting", quietly(async move { waiting.run(store, broker, tasks, waits).await }));
        parts.spawn("lookout", quietly(lookout::run(desk, stands, looks)));
        parts.spawn("elections", quietly(async move { candidate.run(elects).await }));
        parts.spawn("api", async move {
            let done = serve(listener, routes, shutdown).await;
            served.now();
            done
        });
        parts.join().await
    }
}

/// Keeps the time that people are told.
async fn keep(clock: Arc<StoreClock>, store: Arc<dyn Store>, shutdown: Shutdown) {
    let looks = Ticks {
        name: "reading the database's clock",
        period: LOOK_EVERY,
        backoff_max: LOOK_EVERY,
        wake: None,
    };
    looks.run(&shutdown, || within(CLOCK_PATIENCE, clock.look(&*store))).await;
}

/// A part that cannot fail.
async fn quietly(part: impl Future<Output = ()>) -> anyhow::Result<()> {
    part.await;
    Ok(())
}

/// Answers until the shutdown drains, then what is under way, until it ends.
async fn serve(listener: TcpListener, routes: axum::Router, shutdown: Shutdown) -> anyhow::Result<()> {
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true)).with_keepalive(Some(KEEPALIVE));
    let draining = shutdown.clone();
    let serving = Server::builder()
        // Pages and probes.
        .accept_http1(true)
        .http2_keepalive_interval(Some(KEEPALIVE))
        .http2_keepalive_timeout(Some(KEEPALIVE))
        .add_routes(Routes::from(routes))
        .serve_with_incoming_shutdown(incoming, async move { draining.draining().await });
    tokio::select! {
        done = serving => done.context("answer the API"),
        () = shutdown.ending() => Ok(()),
    }
}
