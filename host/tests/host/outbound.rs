//! What a guest in the real sandbox reaches by HTTP, and what it does not.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use guests::Guest;
use host::local::{Local, LocalConfig};
use host::{MailConfig, Network};
use model::clock::{Clock, SystemClock};
use model::grants::Grants;
use model::id::{Digest, JobId};
use model::json::Json;
use model::limits::Limits;
use model::name::{Namespace, QueueKey, QueueName};
use model::retry::Ending;
use sandbox::{ComponentSource, Invocation, JobContext, Sandbox, StopHandle};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use url::Url;

use crate::guests::sandbox_of;
use crate::lab::Lab;

/// The same as the tests of the HTTP client use.
const SPELLINGS: &str = include_str!("../../src/http/tests/spellings.txt");

/// Requests the URL that its payload is; fails with what it is told, or returns `null`.
const ASKING: Guest<'static> = Guest {
    imports: r#"(import "jobs:task/http@1.0.0" "send" (func $send (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i64 i32)))
        (data (i32.const 8448) "GET")"#,
    extra: "",
    run: "(call $send (i32.const 8448) (i32.const 3)
          (i32.add (local.get $payload) (i32.const 1)) (i32.sub (local.get $payload_len) (i32.const 2))
          (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i64.const 0) (i32.const 8192))
        (if (i32.load8_u (i32.const 8192)) (then (return
          (call $err (i32.const 2) (i32.load (i32.const 8200)) (i32.load (i32.const 8204)) (i64.const 0)))))
        (call $ok (i32.const 32) (i32.const 4))",
};

struct Asking {
    sandbox: Arc<Sandbox>,
    component: Vec<u8>,
    local: Arc<Local>,
    _lab: Lab,
}

#[async_trait]
impl ComponentSource for Asking {
    async fn fetch(&self, _sha256: Digest) -> anyhow::Result<Vec<u8>> {
        Ok(self.component.clone())
    }
}

impl Asking {
    async fn new() -> Self {
        Self::into_networks(Vec::new()).await
    }

    /// Where the operator opened networks.
    async fn into_networks(allow_networks: Vec<Network>) -> Self {
        let lab = Lab::new().await;
        let config = LocalConfig {
            job: JobId::generate(SystemClock.now()),
            version: "0.1.0".to_owned(),
            allow_networks,
            mail: MailConfig::Off,
            secrets: Default::default(),
        };
        let local = Local::new(config, |_| {}).expect("it is set up");
        Self { sandbox: sandbox_of(&lab, 1), component: ASKING.build(), local, _lab: lab }
    }

    /// What the guest is told when it asks for this URL under these grants.
    async fn ask(&self, url: &str, http: &[String]) -> Result<(), String> {
        let http = http.iter().map(|grant| grant.parse().expect("a grant")).collect();
        let payload = serde_json::to_vec(url).expect("JSON");
        let invocation = Invocation {
            sha256: Digest::of(&self.component),
            task: "t".parse().expect("a name"),
            payload: Json::check("payload", payload, 10_000).expect("JSON"),
            context: JobContext {
                job: JobId::generate(SystemClock.now()),
                queue: QueueKey { namespace: Namespace::default(), queue: QueueName::default() },
                attempt: 1,
                max_attempts: 1,
            },
            limits: Limits::default(),
            deterministic: false,
            grants: Grants { http, ..Grants::default() },
            checkpoint: None,
        };
        let (_handle, stop) = StopHandle::pair();
        let execution = self.sandbox.run(self, invocation, Arc::clone(&self.local) as _, stop).await;
        match execution.ending {
            Ending::Succeeded => Ok(()),
            Ending::Failed { failure, .. } => Err(failure.message),
            other => panic!("{url}: {other:?}"),
        }
    }
}

/// A server at this address that sends everybody on to `location`, and how many came.
async fn server(ip: IpAddr, port: u16, location: String) -> Option<(u16, Arc<AtomicUsize>)> {
    let listener = TcpListener::bind((ip, port)).await.ok()?;
    let port = listener.local_addr().expect("bound").port();
    let came = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&came);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            seen.fetch_add(1, Ordering::SeqCst);
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let Ok(byte) = stream.read_u8().await else { break };
                head.push(byte);
            }
            let answer = format!(
                "HTTP/1.1 307 x\r\nLocation: {location}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            );
            // Whoever asked may be gone.
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    Some((port, came))
}

/// A grant for everything beside this host, as far as one can be written.
fn wildcard(url: &str, port: u16) -> String {
    let url = Url::parse(url).expect("a URL");
    let host = url.host_str().expect("a host");
    match host.split_once('.') {
        Some((_, rest)) if !host.starts_with('[') => format!("*.{rest}:{port}"),
        _ => format!("*.test:{port}"),
    }
}

#[tokio::test]
async fn no_spelling_of_a_forbidden_place_reaches_a_socket() {
    let four = server("127.0.0.1".parse().expect("an address"), 0, String::new()).await;
    let (port, reached) = four.expect("a free port");
    // A machine without IPv6 has nothing to reach by it.
    let six = server(Ipv6Addr::LOCALHOST.into(), port, String::new()).await;
    let asking = Asking::new().await;

    for host in SPELLINGS.lines().filter(|line| !line.starts_with('#')) {
        let url = format!("http://{host}:{port}/");
        for grants in [vec![], vec![wildcard(&url, port)]] {
            let told = asking.ask(&url, &grants).await.expect_err(host);
            let why = [" was not granted", " is a", "a user name"];
            assert!(why.iter().any(|why| told.contains(why)), "{url} under {grants:?}: {told}");
        }
    }

    assert_eq!(reached.load(Ordering::SeqCst), 0);
    assert_eq!(six.map_or(0, |(_, reached)| reached.load(Ordering::SeqCst)), 0);
}

#[tokio::test]
async fn a_place_that_a_grant_names_is_reached_and_no_redirect_is_followed() {
    let local: IpAddr = "127.0.0.1".parse().expect("an address");
    let (forbidden, hidden) = server(local, 0, String::new()).await.expect("a free port");
    let (port, reached) =
        server(local, 0, format!("http://127.0.0.1:{forbidden}/")).await.expect("a free port");
    let asking = Asking::new().await;
    let grants = [format!("127.0.0.1:{port}")];

    for host in ["127.0.0.1", "2130706433", "0x7f.1", "0177.0.0.1"] {
        assert_eq!(asking.ask(&format!("http://{host}:{port}/"), &grants).await, Ok(()), "{host}");
    }
    let other_port = asking.ask(&format!("http://127.0.0.1:{forbidden}/"), &grants).await;

    assert!(other_port.expect_err("another port").contains(" was not granted"));
    assert_eq!((reached.load(Ordering::SeqCst), hidden.load(Ordering::SeqCst)), (4, 0));
}

#[tokio::test]
async fn a_network_is_reached_under_a_wildcard_only_if_the_operator_opened_it() {
    let local: IpAddr = "127.0.0.1".parse().expect("an address");
    let (port, reached) = server(local, 0, String::new()).await.expect("a free port");
    let (url, grants) = (format!("http://127.0.0.1:{port}/"), [format!("*.0.0.1:{port}")]);
    let open = vec!["127.0.0.0/8".parse().expect("a network")];

    let closed = Asking::new().await.ask(&url, &grants).await.expect_err("it is not open");
    assert!(
        closed.contains("the operator of the host may allow its network with --allow-network"),
        "{closed}"
    );
    assert_eq!(reached.load(Ordering::SeqCst), 0);

    assert_eq!(Asking::into_networks(open).await.ask(&url, &grants).await, Ok(()));
    assert_eq!(reached.load(Ordering::SeqCst), 1);
}
