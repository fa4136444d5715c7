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
fn a_message_of_an_older_release_has_what_it_lacks_by_default() {
    let older = v1::StatusRequest {}.encode_to_vec();

    let read = v1::InterruptRequest::decode(&*older).expect("it is read");

    assert_eq!(read, v1::InterruptRequest::default());
}
