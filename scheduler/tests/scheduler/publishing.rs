//! Publish: what is stored, and what is refused with its reason.

use futures::stream;
use model::bounds::COMPONENT_BYTES_MAX;
use rpc::v1::publish_request::Part;
use rpc::{Code, v1};

use crate::guests::{MAIL, importing};
use crate::room::{Replica, Room};

pub(crate) async fn send(replica: &Replica, parts: Vec<Part>) -> Result<Vec<v1::PublishedTask>, rpc::Error> {
    let messages: Vec<_> = parts.into_iter().map(|part| v1::PublishRequest { part: Some(part) }).collect();
    Ok(replica.client.clone().tasks.publish(stream::iter(messages)).await?.into_inner().tasks)
}

pub(crate) async fn publish(
    replica: &Replica,
    header: v1::PublishHeader,
    bytes: &[u8],
) -> Result<Vec<v1::PublishedTask>, rpc::Error> {
    let header = v1::PublishHeader { size_bytes: bytes.len() as u64, ..header };
    let chunks = bytes.chunks(1_000).map(|chunk| Part::Data(chunk.to_vec()));
    send(replica, std::iter::once(Part::Header(header)).chain(chunks).collect()).await
}

fn limits(limits: v1::LimitOverrides) -> v1::PublishHeader {
    v1::PublishHeader { limits: Some(limits), ..v1::PublishHeader::default() }
}

fn mail() -> v1::PublishHeader {
    let grants = v1::Grants { mail: true, ..v1::Grants::default() };
    v1::PublishHeader { grants: Some(grants), ..v1::PublishHeader::default() }
}

pub(crate) async fn tasks(replica: &Replica) -> Vec<v1::TaskInfo> {
    let request = v1::ListTasksRequest::default();
    replica.client.clone().tasks.list_tasks(request).await.expect("it answers").into_inner().tasks
}

#[tokio::test]
async fn a_component_is_stored_and_the_same_again_is_unchanged() {
    let (_room, replica) = Room::with_replica().await;
    let bytes = importing(MAIL);

    let first = publish(&replica, mail(), &bytes).await.expect("it is fine").remove(0);
    let second = publish(&replica, mail(), &bytes).await.expect("it is fine").remove(0);

    let version = first.version.expect("it has one");
    assert_eq!((version.task.as_str(), version.version, version.active), ("t", 1, true));
    assert_eq!(version.imports, ["jobs:task/mail@1.0.0"]);
    assert!(version.grants.is_some_and(|grants| grants.mail));
    assert!(!first.unchanged && first.changes.is_empty() && first.compile_ms > 0);
    assert!(second.unchanged && second.compile_ms == 0);
    assert_eq!(second.version.expect("it has one").version, 1);
    assert_eq!(tasks(&replica).await.len(), 1);
}

#[tokio::test]
async fn a_published_task_can_be_enqueued_and_looked_at_at_once() {
    let (_room, replica) = Room::with_replica().await;
    let mut client = replica.client.clone();
    publish(&replica, v1::PublishHeader::default(), &importing("")).await.expect("it is fine");
    replica.enqueue_one("t").await;

    let wider = limits(v1::LimitOverrides { memory_bytes: Some(256 << 20), ..v1::LimitOverrides::default() });
    publish(&replica, wider, &importing("")).await.expect("it is fine");

    let job = replica.enqueue_one("t").await;
    assert_eq!(replica.job(&job).await.expect("it is there").version, 2);
    let get = v1::GetTaskRequest { namespace: String::new(), task: "t@1".to_owned() };
    let first = client.tasks.get_task(get).await.expect("it is there").into_inner();
    assert_eq!(first.limits.expect("it has some").memory_bytes, 128 << 20);
    let list = v1::ListVersionsRequest { namespace: String::new(), task: "t".to_owned() };
    let versions = client.tasks.list_versions(list).await.expect("it is there").into_inner().versions;
    assert_eq!(versions.iter().map(|version| version.version).collect::<Vec<_>>(), [2, 1]);
}

#[tokio::test]
async fn what_is_no_component_is_refused_as_malformed() {
    let (_room, replica) = Room::with_replica().await;
    let core = wat::parse_str("(module)").expect("valid");
    let cases: [(&[u8], &str); 3] =
        [(b"\x7fELF", "not WebAssembly"), (&core, "core module"), (b"", "no bytes")];

    for (bytes, part) in cases {
        let error = publish(&replica, v1::PublishHeader::default(), bytes).await.expect_err(part);
        assert_eq!(error.code, Code::Invalid, "{error}");
        assert!(error.message.contains(part), "{error}");
    }
    assert!(tasks(&replica).await.is_empty());
}

#[tokio::test]
async fn an_import_that_was_not_granted_is_refused_with_its_flag() {
    let (_room, replica) = Room::with_replica().await;

    let error =
        publish(&replica, v1::PublishHeader::default(), &importing(MAIL)).await.expect_err("no grant");

    assert_eq!(error.code, Code::Denied);
    assert!(error.message.contains("jobs:task/mail@1.0.0"), "{error}");
    assert!(error.hint.is_some_and(|hint| hint.contains("--allow-mail")));
    assert!(tasks(&replica).await.is_empty());
}

#[tokio::test]
async fn a_plan_says_what_would_change_and_stores_nothing() {
    let (_room, replica) = Room::with_replica().await;
    let plan = v1::PublishHeader { plan: true, ..v1::PublishHeader::default() };
    let planned = publish(&replica, plan.clone(), &importing("")).await.expect("it is fine").remove(0);
    assert_eq!(planned.version.expect("it has one").version, 0);
    assert!(tasks(&replica).await.is_empty());
    publish(&replica, v1::PublishHeader::default(), &importing("")).await.expect("it is fine");

    let same = publish(&replica, plan, &importing("")).await.expect("it is fine").remove(0);
    let other = v1::LimitOverrides {
        timeout_ms: Some(1_000),
        fuel_unlimited: true,
        log_bytes: Some(1 << 10),
        ..v1::LimitOverrides::default()
    };
    let other = v1::PublishHeader { plan: true, deterministic: true, limits: Some(other), ..mail() };
    let other = publish(&replica, other, &importing(MAIL)).await.expect("it is fine").remove(0);

    assert!(same.unchanged && same.changes.is_empty());
    for line in [
        "grant + mail",
        "import + jobs:task/mail@1.0.0",
        "limit timeout 5m -> 1s",
        "limit fuel 50,000,000,000 -> unlimited",
        "limit max-log 1 MiB -> 1 KiB",
        "deterministic no -> yes",
    ] {
        assert!(other.changes.iter().any(|change| change == line), "{line} is not in {:?}", other.changes);
    }
    assert_eq!(tasks(&replica).await[0].latest, 1);
}

#[tokio::test]
async fn limits_and_grants_that_cannot_be_are_refused() {
    let (_room, replica) = Room::with_replica().await;
    let memory = |bytes| v1::LimitOverrides { memory_bytes: Some(bytes), ..v1::LimitOverrides::default() };
    let grants = |grants| v1::PublishHeader { grants: Some(grants), ..v1::PublishHeader::default() };
    let cases = [
        (limits(memory(5 << 30)), Code::Denied, "memory: 5 GiB is over the platform's limit of 4 GiB"),
        (limits(memory(0)), Code::Invalid, "memory"),
        (
            limits(v1::LimitOverrides { fuel: Some(1), fuel_unlimited: true, ..memory(1 << 20) }),
            Code::Invalid,
            "fuel",
        ),
        (
            grants(v1::Grants { http: vec!["http://x".to_owned()], ..v1::Grants::default() }),
            Code::Invalid,
            "allow-http",
        ),
        (
            grants(v1::Grants { secrets: vec![String::new()], ..v1::Grants::default() }),
            Code::Invalid,
            "secret",
        ),
        (
            grants(v1::Grants { enqueue: vec!["a b".to_owned()], ..v1::Grants::default() }),
            Code::Invalid,
            "task",
        ),
    ];

    for (header, code, part) in cases {
        let error = publish(&replica, header, &importing("")).await.expect_err(part);
        assert_eq!(error.code, code, "{error}");
        assert!(error.message.contains(part), "{error}");
    }
    assert!(tasks(&replica).await.is_empty());
}

#[tokio::test]
async fn an_operator_may_allow_less_and_a_default_is_held_to_that() {
    let mut room = Room::new().await;
    room.limits_max.memory_bytes = 64 << 20;
    let replica = room.replica().await;
    let asked = v1::LimitOverrides { memory_bytes: Some(100 << 20), ..v1::LimitOverrides::default() };

    let plan = v1::PublishHeader { plan: true, ..limits(asked) };
    let planned = publish(&replica, plan, &importing("")).await.expect_err("it is over");
    let refused = publish(&replica, limits(asked), &importing("")).await.expect_err("it is over");
    let usual =
        publish(&replica, v1::PublishHeader::default(), &importing("")).await.expect("it asks for none");

    assert_eq!(refused.code, Code::Denied);
    assert_eq!(refused.message, "memory: 100 MiB is over the platform's limit of 64 MiB");
    assert!(refused.hint.as_ref().is_some_and(|hint| hint.contains("--max-limit memory")), "{refused:?}");
    assert_eq!(planned, refused);
    let version = usual[0].version.as_ref().expect("it has one");
    assert_eq!(version.limits.expect("it has some").memory_bytes, 64 << 20);
}

#[tokio::test]
async fn each_flavour_is_compiled_at_publish_and_is_another_version() {
    let (_room, replica) = Room::with_replica().await;
    let unmetered = v1::LimitOverrides { fuel_unlimited: true, ..v1::LimitOverrides::default() };
    let headers = [
        v1::PublishHeader::default(),
        limits(unmetered),
        v1::PublishHeader { deterministic: true, ..v1::PublishHeader::default() },
    ];

    for (number, header) in (1..).zip(headers) {
        let published =
            publish(&replica, header.clone(), &importing("")).await.expect("it is fine").remove(0);
        assert!(published.compile_ms > 0, "its flavour was not there before: {published:?}");
        let version = published.version.expect("it has one");
        assert_eq!((version.version, version.deterministic), (number, header.deterministic));
        let again = publish(&replica, header, &importing("")).await.expect("it is fine").remove(0);
        assert!(again.unchanged && again.compile_ms == 0, "{again:?}");
    }
}

#[tokio::test]
async fn an_upload_is_held_to_what_it_announced() {
    let (_room, replica) = Room::with_replica().await;
    let header = |size_bytes| Part::Header(v1::PublishHeader { size_bytes, ..v1::PublishHeader::default() });
    let data = |length| Part::Data(vec![0; length]);
    let cases = [
        (vec![header(COMPONENT_BYTES_MAX as u64 + 1)], Code::Denied, "64 MiB"),
        (vec![header(10), data(5)], Code::Invalid, "5 of 10 bytes"),
        (vec![header(10), data(11)], Code::Invalid, "more bytes arrive"),
        (vec![header(10), header(10)], Code::Invalid, "only bytes"),
        (vec![data(5)], Code::Invalid, "header"),
        (vec![], Code::Invalid, "header"),
    ];

    for (parts, code, part) in cases {
        let error = send(&replica, parts).await.expect_err(part);
        assert_eq!(error.code, code, "{error}");
        assert!(error.message.contains(part), "{error}");
    }
}
