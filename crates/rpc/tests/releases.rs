//! Messages between releases: what one does not know, it leaves aside.

use prost::Message;
use prost::encoding::{WireType, encode_key, encode_varint};
use rpc::v1;

/// A field that no release has yet, at the end of a message.
fn of_tomorrow(mut message: Vec<u8>) -> Vec<u8> {
    encode_key(9_000, WireType::LengthDelimited, &mut message);
    encode_varint(5, &mut message);
    message.extend(b"later");
    encode_key(9_001, WireType::Varint, &mut message);
    encode_varint(7, &mut message);
    message
}

fn is_read<M: Message + Default + PartialEq + std::fmt::Debug>(message: &M) {
    let read = M::decode(&*of_tomorrow(message.encode_to_vec())).expect("it is read");

    assert_eq!(read, *message);
}

#[test]
fn fields_of_a_newer_release_are_left_aside_between_scheduler_and_host() {
    is_read(&v1::WatchResponse { session: 7, name: "a".to_owned() });
    is_read(&v1::InterruptRequest { job: vec![1; 16], attempt: 2, session: 7, grace_ms: 5_000 });
    is_read(&v1::InterruptResponse { status: "stopping".to_owned() });
}

#[test]
fn fields_of_a_newer_release_are_left_aside_between_client_and_scheduler() {
    let job = v1::NewJob { task: "t".to_owned(), payload: b"{}".to_vec(), ..v1::NewJob::default() };
    is_read(&v1::EnqueueRequest { namespace: String::new(), jobs: vec![job] });
    is_read(&v1::Job { state: "running".to_owned(), ..v1::Job::default() });
    is_read(&v1::StatusResponse { version: "1.2.3".to_owned(), ..v1::StatusResponse::default() });
}

#[test]
fn fields_of_a_newer_release_are_left_aside_in_schedules() {
    let text = |text: &str| text.to_owned();
    let spec = v1::ScheduleSpec { cron: text("0 3 * * *"), every_ms: Some(0), ..v1::ScheduleSpec::default() };
    let spec = || Some(spec.clone());
    is_read(&v1::CreateScheduleRequest {
        name: text("a"),
        spec: spec(),
        ..v1::CreateScheduleRequest::default()
    });
    is_read(&v1::UpdateScheduleRequest { seq: 3, spec: spec(), ..v1::UpdateScheduleRequest::default() });
    is_read(&v1::Schedule { state: text("paused"), spec: spec(), ..v1::Schedule::default() });
    is_read(&v1::ListSchedulesRequest {
        states: vec![text("active")],
        ..v1::ListSchedulesRequest::default()
    });
    is_read(&v1::TriggerScheduleRequest { overlap: text("skip"), ..v1::TriggerScheduleRequest::default() });
    is_read(&v1::TriggerScheduleResponse {
        outcome: text("fired"),
        ..v1::TriggerScheduleResponse::default()
    });
    is_read(&v1::BackfillScheduleRequest { count_only: true, ..v1::BackfillScheduleRequest::default() });
    is_read(&v1::BackfillScheduleResponse { made: 7, ..v1::BackfillScheduleResponse::default() });
    is_read(&v1::ScheduleInstant { count: Some(0), skip: text("missed"), ..v1::ScheduleInstant::default() });
}

#[test]
fn a_message_of_an_older_release_has_what_it_lacks_by_default() {
    let older = v1::StatusRequest {}.encode_to_vec();

    let read = v1::InterruptRequest::decode(&*older).expect("it is read");

    assert_eq!(read, v1::InterruptRequest::default());
}
