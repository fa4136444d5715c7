//! Waiting for jobs, following logs, reading files.

use broker::{Broker, Signal};
use futures::StreamExt;
use model::clock::{Clock, SystemClock};
use model::job::{LogLevel, LogLine, OutputFile};
use rpc::{CHUNK_BYTES, Code, v1};
use store::{Finish, Report};

use crate::room::{Replica, Room, succeeded};

const NOWHERE: &str = "http://127.0.0.1:1";

fn line(text: &str) -> LogLine {
    LogLine { at: SystemClock.now(), level: LogLevel::Info, text: text.to_owned() }
}

async fn logs(replica: &Replica, id: &str, follow: bool) -> tonic::Streaming<v1::LogEntry> {
    let request = v1::LogsRequest { namespace: String::new(), id: id.to_owned(), follow };
    replica.client.clone().jobs.logs(request).await.expect("it answers").into_inner()
}

#[tokio::test]
async fn who_waits_is_told_of_each_job_once() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let (first, second) = (replica.enqueue_one("t").await, replica.enqueue_one("t").await);
    let session = room.session(NOWHERE).await;
    let lease = room.claim(session, &first).await;
    room.finish(lease).await;

    let mut told = replica.wait(&[&first, &second, &first]).await.expect("they are known");
    let ended_before = told.next().await.expect("one").expect("no error");
    let lease = room.claim(session, &second).await;
    room.finish(lease).await;
    room.broker.signal(Signal::Ended(vec![lease.job])).await.expect("it is up");
    let ended_after = told.next().await.expect("two").expect("no error");

    assert_eq!((ended_before.id, ended_before.state), (first, "succeeded".to_owned()));
    assert_eq!((ended_after.id, ended_after.state), (second, "succeeded".to_owned()));
    assert!(told.next().await.is_none());
}

#[tokio::test]
async fn who_waits_is_told_though_the_wake_up_was_lost() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let id = replica.enqueue_one("t").await;
    let session = room.session(NOWHERE).await;
    let lease = room.claim(session, &id).await;

    let mut told = replica.wait(&[&id]).await.expect("it is known");
    room.broker.set_down(true);
    room.finish(lease).await;

    assert_eq!(told.next().await.expect("one").expect("no error").id, id);
}

#[tokio::test]
async fn nobody_waits_for_a_job_that_is_not_there() {
    let (_room, replica) = Room::with_replica().await;

    let error = replica.wait(&["01900000-0000-7000-8000-000000000001"]).await.expect_err("no such job");
    let nonsense = replica.wait(&["x"]).await.expect_err("no id");

    assert_eq!((error.code, nonsense.code), (Code::NotFound, Code::Invalid));
}

#[tokio::test]
async fn who_waits_at_a_replica_that_stops_is_sent_elsewhere() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let id = replica.enqueue_one("t").await;
    let mut told = replica.wait(&[&id]).await.expect("it is known");
    let mut lines = logs(&replica, &id, true).await;

    replica.shutdown.drain();

    let told = rpc::Error::from(told.next().await.expect("an end").expect_err("it stops"));
    let lines = rpc::Error::from(lines.next().await.expect("an end").expect_err("it stops"));
    assert_eq!((told.code, lines.code), (Code::Unavailable, Code::Unavailable));
    replica.running.await.expect("no panic").expect("it stops in order");
}

#[tokio::test]
async fn a_followed_log_ends_with_its_job() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let id = replica.enqueue_one("t").await;
    let session = room.session(NOWHERE).await;
    let lease = room.claim(session, &id).await;
    let report = |text| Report { lease, lines: vec![line(text)], progress: None, checkpoint: None };
    room.store.report(report("one")).await.expect("it is held");

    let mut followed = logs(&replica, &id, true).await;
    let first = followed.next().await.expect("a line").expect("no error");
    room.store.report(report("two")).await.expect("it is held");
    let second = followed.next().await.expect("a line").expect("no error");
    let mut ended = succeeded(lease);
    ended.lines = vec![line("three")];
    room.store.finish(Finish { ended: vec![ended] }).await.expect("it is held");
    let rest: Vec<_> = followed.map(|line| line.expect("no error").text).collect().await;
    let whole: Vec<_> =
        logs(&replica, &id, false).await.map(|line| line.expect("no error").text).collect().await;

    assert_eq!((first.text.as_str(), first.attempt, first.level.as_str()), ("one", 1, "info"));
    assert_eq!(second.text, "two");
    assert_eq!(rest, ["three"]);
    assert_eq!(whole, ["one", "two", "three"]);
}

#[tokio::test]
async fn a_file_comes_whole_in_chunks() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let id = replica.enqueue_one("t").await;
    let session = room.session(NOWHERE).await;
    let lease = room.claim(session, &id).await;
    let bytes: Vec<u8> = (0..CHUNK_BYTES * 2 + 7).map(|n| u8::try_from(n % 251).expect("small")).collect();
    let file = |name: &str, bytes: &[u8]| OutputFile {
        name: name.to_owned(),
        media_type: "text/csv".to_owned(),
        bytes: bytes.to_vec(),
    };
    let mut ended = succeeded(lease);
    ended.files = vec![file("a.csv", &bytes), file("empty.csv", b"")];
    room.store.finish(Finish { ended: vec![ended] }).await.expect("it is held");
    let get = async |name: &str| {
        let request = v1::GetFileRequest { namespace: String::new(), id: id.clone(), name: name.to_owned() };
        let stream = replica.client.clone().jobs.get_file(request).await.map_err(rpc::Error::from)?;
        let chunks: Vec<_> = stream.into_inner().map(|chunk| chunk.expect("no error")).collect().await;
        Ok::<_, rpc::Error>(chunks)
    };

    let chunks = get("a.csv").await.expect("it is there");
    let empty = get("empty.csv").await.expect("it is there");
    let missing = get("b.csv").await.expect_err("it is not there");

    let info = chunks[0].info.as_ref().expect("the first chunk has it");
    assert_eq!((info.media_type.as_str(), info.size_bytes), ("text/csv", bytes.len() as u64));
    assert_eq!(chunks.len(), 3);
    assert_eq!(chunks.into_iter().flat_map(|chunk| chunk.data).collect::<Vec<_>>(), bytes);
    assert!(empty.len() == 1 && empty[0].info.is_some());
    assert_eq!(missing.code, Code::NotFound);
}
