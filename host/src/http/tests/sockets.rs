//! That what may not be reached is not even dialled, shown by the sockets at the other end.
//!
//! One test has listeners on this machine's own addresses. The other makes a network of its own, in which every
//! address there is leads back to it: so it sees who dials the metadata service of a cloud, and counts what the
//! kernel was asked to dial.

use std::net::Ipv6Addr;
use std::process::Command;
use std::sync::Mutex;

use super::*;

/// Places that no wildcard leads to, however they are spelt.
fn spellings() -> Vec<&'static str> {
    include_str!("spellings.txt").lines().filter(|line| !line.starts_with('#')).collect()
}

/// Names that lead to such places, some of them beside a public one.
const NAMES: &[(&str, &[&str])] = &[
    ("below.localhost", &["127.0.0.1", "::1"]),
    ("local.test", &["127.0.0.1"]),
    ("local6.test", &["::1"]),
    ("nowhere.test", &["0.0.0.0"]),
    ("nowhere6.test", &["::"]),
    ("metadata.test", &["169.254.169.254"]),
    ("metadata6.test", &["fd00:ec2::254"]),
    ("mapped.test", &["::ffff:169.254.169.254"]),
    ("nat64.test", &["64:ff9b::7f00:1"]),
    ("sixtofour.test", &["2002:a00:1::"]),
    ("intranet.test", &["10.0.0.1"]),
    ("shared.test", &["100.64.0.1"]),
    ("alibaba.test", &["100.100.100.200"]),
    ("azure.test", &["168.63.129.16"]),
    ("link.test", &["fe80::1"]),
    ("unique.test", &["fd12:3456::1"]),
    ("home.test", &["192.168.0.7"]),
    ("first.test", &["8.8.8.8", "10.0.0.1"]),
    ("last.test", &["169.254.169.254", "8.8.8.8"]),
];

/// Asks for every place under a wildcard, and for every name under a grant for itself too.
async fn none_is_let_through(outbound: &Outbound, port: u16) {
    let literals = spellings().into_iter().map(|host| (host, false));
    let names = NAMES.iter().flat_map(|(name, _)| [(*name, false), (*name, true)]);
    for (host, host_named) in literals.chain(names) {
        for scheme in ["http", "https"] {
            let answer = ask(outbound, get(format!("{scheme}://{host}:{port}/"), host_named)).await;
            assert!(matches!(answer, Err(HttpError::Denied(_))), "{scheme} {host} {host_named}: {answer:?}");
        }
    }
}

/// Asks for every name that leads, alone or beside others, to a metadata service or a link.
async fn no_metadata_is_let_through(outbound: &Outbound, port: u16) {
    for name in ["metadata", "metadata6", "mapped", "last", "alibaba", "azure", "link"] {
        for host_named in [false, true] {
            let answer = ask(outbound, get(format!("http://{name}.test:{port}/"), host_named)).await;
            assert!(matches!(answer, Err(HttpError::Denied(_))), "{name} {host_named}: {answer:?}");
        }
    }
}

/// Everything that an operator can open.
const WIDEST: &[&str] = &["0.0.0.0/0", "::/0"];

/// Where connections arrived, in order.
type Reached = Arc<Mutex<Vec<IpAddr>>>;

/// Counts who comes to `listener`, and sends everybody on to the address in the path.
fn count(listener: TcpListener, reached: &Reached) {
    let reached = Arc::clone(reached);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let to = stream.local_addr().expect("it is connected").ip().to_canonical();
            reached.lock().expect("unpoisoned").push(to);
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    let Ok(byte) = stream.read_u8().await else { return };
                    head.push(byte);
                }
                let head = String::from_utf8(head).expect("text");
                let to = head.split(' ').nth(1).unwrap_or_default().trim_start_matches('/');
                let answer = format!(
                    "HTTP/1.1 302 Found\r\nLocation: http://{to}/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                );
                // Whoever asked may be gone.
                let _ = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
}

fn taken(reached: &Reached) -> Vec<IpAddr> {
    std::mem::take(&mut *reached.lock().expect("unpoisoned"))
}

#[tokio::test]
async fn nothing_on_this_machine_is_dialled_unless_the_grant_names_it() {
    let reached = Reached::default();
    let four = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = four.local_addr().expect("bound").port();
    count(four, &reached);
    // A machine without IPv6 has no such listener, and nothing to reach by it.
    if let Ok(six) = TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await {
        count(six, &reached);
    }
    let outbound = outbound(NAMES);

    none_is_let_through(&outbound, port).await;
    no_metadata_is_let_through(&outbound_into(WIDEST, NAMES), port).await;
    assert_eq!(taken(&reached), [] as [IpAddr; 0]);

    let answer = ask(&outbound, get(format!("http://0x7f.1:{port}/169.254.169.254"), true)).await;
    assert_eq!(answer.expect("it was named").status, 302);
    let opened = outbound_into(&["127.0.0.0/8"], NAMES);
    for host_named in [false, true] {
        let answer = ask(&opened, get(format!("http://local.test:{port}/"), host_named)).await;
        assert_eq!(answer.expect("the operator opened it").status, 302);
    }
    assert_eq!(taken(&reached), ["127.0.0.1".parse::<IpAddr>().expect("an address"); 3]);
}

#[tokio::test]
async fn where_a_name_leads_is_not_told() {
    let free = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = free.local_addr().expect("bound").port();
    drop(free);
    let asked = |outbound: Outbound, host: &'static str| async move {
        match ask(&outbound, get(format!("http://{host}:{port}/"), false)).await {
            Err(HttpError::Denied(text) | HttpError::Failed(text)) => text,
            other => panic!("{host}: {other:?}"),
        }
    };

    let private = asked(outbound(NAMES), "intranet.test").await;
    let metadata = asked(outbound(NAMES), "metadata.test").await;
    let unreachable = asked(outbound_into(&["127.0.0.0/8"], NAMES), "local.test").await;
    let literal = asked(outbound(NAMES), "10.0.0.1").await;

    assert_eq!(
        private,
        "intranet.test leads to a private address: the operator of the host may allow its network with --allow-network"
    );
    assert!(metadata.ends_with("a cloud's metadata service: no grant for a name covers that"), "{metadata}");
    assert!(unreachable.contains("refused"), "{unreachable}");
    for (told, hidden) in [(private, "10.0"), (metadata, "169.254"), (unreachable, "127.0")] {
        assert!(!told.contains(hidden), "{told}");
    }
    assert!(
        literal.starts_with("10.0.0.1 is a private address: publish with a grant that names"),
        "{literal}"
    );
}

/// The test that runs itself again.
const THIS: &str = "http::tests::sockets::no_address_is_dialled_that_no_grant_names";

/// What the copy of this test is told that runs in a network of its own.
const INSIDE: &str = "in-a-network-of-its-own";

/// Leads every address there is to this machine. The tool is not on everybody's path.
const ROUTES: &str = "PATH=$PATH:/usr/sbin:/sbin && ip link set lo up && ip route add local default dev lo && \
    ip -6 route add local default dev lo";

/// `program` in a network of its own.
fn isolated(script: &str) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--net", "--", "sh", "-c", script]);
    command
}

#[test]
fn no_address_is_dialled_that_no_grant_names() {
    if std::env::args().any(|argument| argument == INSIDE) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        return runtime.block_on(inside());
    }
    // Where the system lets nobody have a network of their own, the test above is all there is. Where it does, nothing
    // else may be missing.
    if !isolated("true").output().is_ok_and(|output| output.status.success()) {
        return;
    }
    let this = std::env::current_exe().expect("it runs");

    let output = isolated(&format!("{ROUTES} && exec \"$0\" \"$@\""))
        .arg(this)
        .args([THIS, INSIDE, "--exact", "--nocapture"])
        .envs(["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"].map(|proxy| (proxy, "http://10.0.0.1:80")))
        .output()
        .expect("it starts");

    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

async fn inside() {
    let reached = Reached::default();
    for port in [80, 443] {
        count(TcpListener::bind((Ipv6Addr::UNSPECIFIED, port)).await.expect("all ports are free"), &reached);
    }
    let outbound = outbound(NAMES);
    let places =
        ["169.254.169.254", "127.0.0.1", "10.0.0.1", "::1", "fd00:ec2::254", "64:ff9b::a9fe:a9fe", "8.8.8.8"];
    let places = places.map(|place| place.parse::<IpAddr>().expect("an address"));

    for place in places {
        TcpStream::connect((place, 80)).await.expect("it would be seen");
    }
    arrived(&reached, &places).await;

    let before = dialled();
    none_is_let_through(&outbound, 80).await;
    none_is_let_through(&outbound, 443).await;
    assert_eq!(dialled(), before);

    let opened = outbound_into(&["10.0.0.0/8"], NAMES);
    for host_named in [false, true] {
        let answer = ask(&opened, get("http://intranet.test/", host_named)).await;
        assert_eq!(answer.expect("the operator opened it").status, 302);
        let answer = ask(&opened, get("http://home.test/", host_named)).await;
        assert!(matches!(answer, Err(HttpError::Denied(_))), "another network: {answer:?}");
    }
    arrived(&reached, &[places[2]; 2]).await;
    no_metadata_is_let_through(&outbound_into(WIDEST, NAMES), 80).await;
    let before = before + 2;
    assert_eq!(dialled(), before);

    let public = places[6];
    let spellings = spellings();
    for host in &spellings {
        let answer = ask(&outbound, get(format!("http://{public}/{host}"), false)).await.expect("it answers");
        assert_eq!(answer.status, 302, "{host}");
    }
    arrived(&reached, &vec![public; spellings.len()]).await;
    assert_eq!(dialled(), before + spellings.len() as u64);

    for place in places {
        let host = if place.is_ipv6() { format!("[{place}]") } else { place.to_string() };
        let answer = ask(&outbound, get(format!("http://{host}/"), true)).await.expect("it was named");
        assert_eq!(answer.status, 302, "{host}");
    }
    arrived(&reached, &places).await;
}

/// Waits until as many have arrived, and takes them.
async fn arrived(reached: &Reached, expected: &[IpAddr]) {
    testkit::eventually::eventually("all that was dialled arrives", || async {
        (reached.lock().expect("unpoisoned").len() >= expected.len()).then_some(())
    })
    .await;
    assert_eq!(taken(reached), expected);
}

/// How often the kernel was asked to connect, in this network.
fn dialled() -> u64 {
    let text = std::fs::read_to_string("/proc/self/net/snmp").expect("Linux has it");
    let mut lines = text.lines().filter_map(|line| line.strip_prefix("Tcp: "));
    let (names, values) = (lines.next().expect("names"), lines.next().expect("values"));
    let found = names.split(' ').zip(values.split(' ')).find(|(name, _)| *name == "ActiveOpens");
    found.expect("it is counted").1.parse().expect("a number")
}
