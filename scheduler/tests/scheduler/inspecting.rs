//! While components are compiled, everything else is answered.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use futures::future::join_all;
use rpc::{Code, v1};
use testkit::eventually::eventually;

use crate::guests::importing;
use crate::publishing::{publish, tasks};
use crate::room::{Room, worker};

/// A compile worker that says that it began, and works once the file `open` is there.
fn waiting_worker(folder: &Path) -> Vec<String> {
    let script = folder.join("worker.sh");
    let (began, open) = (folder.join("began"), folder.join("open"));
    let text = format!(
        "#!/bin/sh\necho one >> {}\nwhile [ ! -e {} ]; do sleep 0.02; done\nexec {}\n",
        began.display(),
        open.display(),
        worker().display(),
    );
    std::fs::write(&script, text).expect("a script");
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).expect("it is ours");
    vec!["/bin/sh".to_owned(), script.display().to_string()]
}

fn began(folder: &Path) -> usize {
    std::fs::read_to_string(folder.join("began")).unwrap_or_default().lines().count()
}

/// The same component under another digest: a custom section says its number.
fn numbered(number: u8) -> Vec<u8> {
    let mut bytes = importing("");
    bytes.extend([0, 3, 1, b'n', number]);
    bytes
}

#[tokio::test]
async fn while_inspections_are_stuck_all_else_is_answered_and_publishes_wait_for_their_turn() {
    let folder = tempfile::tempdir().expect("a folder");
    let command = waiting_worker(folder.path());
    let room = Room::compiling(folder, command).await;
    let replica = room.replica().await;
    room.publish("there", None).await;
    let folder = room.folder.path();
    let components: Vec<Vec<u8>> = (1..=4).map(numbered).collect();

    let publishes =
        join_all(components.iter().map(|bytes| publish(&replica, v1::PublishHeader::default(), bytes)));
    let meanwhile = async {
        eventually("two compilers", || async { (began(folder) == 2).then_some(()) }).await;
        let id = replica.enqueue_one("there").await;
        let job = replica.job(&id).await.expect("it is there");
        let known = tasks(&replica).await;
        let stuck = began(folder);
        std::fs::write(folder.join("open"), "").expect("a file");
        (job.state, known.len(), stuck)
    };
    let (published, answered) = tokio::join!(publishes, meanwhile);

    assert_eq!(answered, ("queued".to_owned(), 1, 2), "nothing is stored yet, and no third compiler runs");
    let mut versions: Vec<u32> = published
        .into_iter()
        .map(|tasks| tasks.expect("it is fine")[0].version.as_ref().expect("it has one").version)
        .collect();
    versions.sort_unstable();
    assert_eq!(versions, [1, 2, 3, 4]);
}

#[tokio::test]
async fn a_replica_that_stops_ends_the_inspections_it_began_and_sends_away_who_waits_for_a_turn() {
    let folder = tempfile::tempdir().expect("a folder");
    let command = waiting_worker(folder.path());
    let room = Room::compiling(folder, command).await;
    let replica = room.replica().await;
    let folder = room.folder.path();
    let [one, two, three] = [1, 2, 3].map(numbered);
    let header = v1::PublishHeader::default;

    let begun = async { tokio::join!(publish(&replica, header(), &one), publish(&replica, header(), &two)) };
    let later = async {
        eventually("two compilers", || async { (began(folder) == 2).then_some(()) }).await;
        let waits = publish(&replica, header(), &three);
        let stops = async {
            // It has arrived when others are answered after it, on the same connection.
            tasks(&replica).await;
            replica.shutdown.drain();
        };
        let (sent_away, ()) = tokio::join!(waits, stops);
        std::fs::write(folder.join("open"), "").expect("a file");
        sent_away
    };
    let (begun, sent_away) = tokio::join!(begun, later);

    assert_eq!(sent_away.expect_err("it waits in vain").code, Code::Unavailable);
    assert!(begun.0.is_ok() && begun.1.is_ok(), "{begun:?}");
    replica.running.await.expect("no panic").expect("it ends well");
}
