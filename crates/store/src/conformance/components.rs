//! Facts about code and its versions.

use model::id::{Digest, VersionId};
use model::name::Namespace;
use model::task::TaskRef;

use super::lab::{Lab, namespace, publish_task, task};
use crate::{Error, Publish, Published};

/// Publishes `bytes` with tasks given by name and description.
pub(super) async fn publish(
    lab: &Lab,
    bytes: &[u8],
    tasks: &[(&str, &str)],
    promote: bool,
) -> Vec<Published> {
    let publish = Publish {
        namespace: Namespace::default(),
        bytes: bytes.to_vec(),
        sha256: Digest::of(bytes),
        tasks: tasks.iter().map(|(name, description)| publish_task(name, description)).collect(),
        promote,
    };
    lab.store.publish(publish).await.expect("publish")
}

fn reference(text: &str) -> TaskRef {
    text.parse().expect("a good reference")
}

async fn resolved(lab: &Lab, text: &str) -> u32 {
    let version = lab.store.resolve(&Namespace::default(), &reference(text)).await;
    version.expect("it is known").version
}

async fn missing(lab: &Lab, text: &str) -> String {
    let refusal = lab.store.resolve(&Namespace::default(), &reference(text)).await.expect_err(text);
    match refusal {
        Error::NotFound { what } => what,
        other => panic!("not NotFound but {other}"),
    }
}

pub async fn a_component_keeps_its_bytes(lab: &Lab) {
    let bytes: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    publish(lab, &bytes, &[("work", "")], true).await;

    assert_eq!(lab.store.component(Digest::of(&bytes)).await.expect("component"), bytes);
    let refusal = lab.store.component(Digest::of(b"other")).await.expect_err("never stored");
    assert!(matches!(refusal, Error::NotFound { .. }), "{refusal}");
}

pub async fn every_task_of_a_component_gets_a_version(lab: &Lab) {
    let told = publish(lab, b"one", &[("b", "x"), ("a", "y")], true).await;

    let names: Vec<_> = told.iter().map(|one| one.version.task.as_str()).collect();
    assert_eq!(names, ["b", "a"]);
    for one in &told {
        assert_eq!((one.version.version, one.version.active, one.unchanged), (1, true, false));
        assert_eq!((one.version.sha256, one.version.size_bytes), (Digest::of(b"one"), 3));
        let found = lab.store.version(one.version.id).await.expect("version");
        assert_eq!(found, one.version);
    }
    assert_eq!(told[0].version.manifest, publish_task("b", "x").manifest);
}

pub async fn versions_are_numbered_without_gaps(lab: &Lab) {
    for (number, bytes) in [b"1", b"2", b"3"].into_iter().enumerate() {
        let told = publish(lab, bytes, &[("work", "")], true).await;
        assert_eq!(told[0].version.version as usize, number + 1);
    }
    assert_eq!(publish(lab, b"3", &[("play", "")], true).await[0].version.version, 1);
}

pub async fn the_same_bytes_and_manifest_are_not_published_again(lab: &Lab) {
    let first = publish(lab, b"one", &[("work", "")], true).await;

    let second = publish(lab, b"one", &[("work", "")], true).await;

    assert!(second[0].unchanged);
    assert_eq!(second[0].version, first[0].version);
    assert_eq!(lab.store.versions(&Namespace::default(), &task("work")).await.expect("versions").len(), 1);
}

pub async fn another_manifest_or_other_bytes_make_a_new_version(lab: &Lab) {
    publish(lab, b"one", &[("work", "")], true).await;

    let manifest = publish(lab, b"one", &[("work", "better")], true).await;
    let bytes = publish(lab, b"two", &[("work", "better")], true).await;
    let back = publish(lab, b"one", &[("work", "better")], true).await;

    let told = [&manifest[0], &bytes[0], &back[0]].map(|one| (one.version.version, one.unchanged));
    assert_eq!(told, [(2, false), (3, false), (4, false)]);
}

pub async fn an_unpromoted_version_is_not_active(lab: &Lab) {
    publish(lab, b"one", &[("work", "")], true).await;

    let told = publish(lab, b"two", &[("work", "")], false).await;

    assert_eq!((told[0].version.version, told[0].version.active), (2, false));
    assert_eq!(resolved(lab, "work").await, 1);
    assert_eq!(resolved(lab, "work@2").await, 2);
}

pub async fn publishing_again_can_promote(lab: &Lab) {
    publish(lab, b"one", &[("work", "")], false).await;

    let told = publish(lab, b"one", &[("work", "")], true).await;

    assert_eq!((told[0].unchanged, told[0].version.active), (true, true));
    assert_eq!(resolved(lab, "work").await, 1);
}

pub async fn any_version_can_be_promoted(lab: &Lab) {
    publish(lab, b"one", &[("work", "")], true).await;
    publish(lab, b"two", &[("work", "")], true).await;
    assert_eq!(resolved(lab, "work").await, 2);

    let promoted = lab.store.promote(&Namespace::default(), &reference("work@1")).await.expect("promote");

    assert_eq!((promoted.version, promoted.active), (1, true));
    assert_eq!(resolved(lab, "work").await, 1);
    let refusal = lab.store.promote(&Namespace::default(), &reference("work@9")).await.expect_err("none");
    assert!(matches!(refusal, Error::NotFound { .. }), "{refusal}");
    assert_eq!(resolved(lab, "work").await, 1);
}

pub async fn a_version_is_found_by_name_number_and_digest(lab: &Lab) {
    publish(lab, b"one", &[("work", "")], true).await;
    publish(lab, b"two", &[("work", "")], true).await;
    publish(lab, b"one", &[("work", "again")], false).await;
    let digest = Digest::of(b"two").to_string();

    assert_eq!(resolved(lab, "work").await, 2);
    assert_eq!(resolved(lab, "work@1").await, 1);
    assert_eq!(resolved(lab, &format!("work@sha256:{}", &digest[..6])).await, 2);
    assert_eq!(resolved(lab, &format!("work@sha256:{digest}")).await, 2);
    assert_eq!(resolved(lab, &format!("work@sha256:{}", Digest::of(b"one"))).await, 3, "the newest");
}

pub async fn what_is_not_found_is_named(lab: &Lab) {
    publish(lab, b"one", &[("work", "")], false).await;

    assert_eq!(missing(lab, "nosuch").await, "task \"nosuch\"");
    assert_eq!(missing(lab, "nosuch@1").await, "task \"nosuch\"");
    assert_eq!(missing(lab, "work@9").await, "version 9 of task \"work\"");
    assert_eq!(missing(lab, "work@sha256:000000").await, "version sha256:000000 of task \"work\"");
    assert_eq!(missing(lab, "work").await, "an active version of task \"work\"");
    let refusal = lab.store.version(VersionId(987_654)).await.expect_err("no such version");
    assert!(matches!(refusal, Error::NotFound { .. }), "{refusal}");
}

pub async fn versions_are_listed_newest_first(lab: &Lab) {
    publish(lab, b"one", &[("work", "")], true).await;
    publish(lab, b"two", &[("work", "")], false).await;

    let versions = lab.store.versions(&Namespace::default(), &task("work")).await.expect("versions");

    let told: Vec<_> = versions.iter().map(|version| (version.version, version.active)).collect();
    assert_eq!(told, [(2, false), (1, true)]);
    let refusal = lab.store.versions(&Namespace::default(), &task("nosuch")).await.expect_err("none");
    assert!(matches!(refusal, Error::NotFound { .. }), "{refusal}");
}

pub async fn tasks_are_listed_by_name(lab: &Lab) {
    publish(lab, b"one", &[("work", ""), ("play", "")], true).await;
    publish(lab, b"two", &[("work", ""), ("rest", "")], false).await;

    let tasks = lab.store.tasks(&Namespace::default()).await.expect("tasks");

    let told: Vec<_> = tasks
        .iter()
        .map(|info| (info.task.as_str(), info.active.as_ref().map(|version| version.version), info.latest))
        .collect();
    assert_eq!(told, [("play", Some(1), 1), ("rest", None, 1), ("work", Some(1), 2)]);
}

pub async fn namespaces_keep_their_tasks_apart(lab: &Lab) {
    lab.version_in("other", "work").await;
    lab.version_in("default", "work").await;

    let mine = lab.store.resolve(&Namespace::default(), &reference("work")).await.expect("resolve");
    let other = lab.store.resolve(&namespace("other"), &reference("work")).await.expect("resolve");

    assert_ne!(mine.id, other.id);
    assert_eq!((mine.version, other.version), (1, 1));
    assert_eq!(lab.store.tasks(&namespace("other")).await.expect("tasks").len(), 1);
    assert_eq!(lab.store.tasks(&namespace("third")).await.expect("tasks"), Vec::new());
}
