//! What a guest might do to the host's process behind the back of its limits.

use guests::Guest;
use model::error::ErrorKind;
use model::retry::Ending;

use crate::room::{Room, assert_failed};

/// Standard output, with the calls that take a length of the guest's choice.
const STREAMS: &str = "package test:w;
    package wasi:io@0.2.6 {
        interface error { resource error; }
        interface streams {
            use error.{error};
            variant stream-error { last-operation-failed(error), closed }
            resource output-stream {
                write: func(contents: list<u8>) -> result<_, stream-error>;
                write-zeroes: func(len: u64) -> result<_, stream-error>;
            }
        }
    }
    package wasi:cli@0.2.6 {
        interface stdout { use wasi:io/streams@0.2.6.{output-stream}; get-stdout: func() -> output-stream; }
    }
    world w { import wasi:cli/stdout@0.2.6; export jobs:task/guest@1.0.0; }";
const STREAMS_IMPORTS: &str = r#"
    (import "wasi:cli/stdout@0.2.6" "get-stdout" (func $stdout (result i32)))
    (import "wasi:io/streams@0.2.6" "[method]output-stream.write" (func $write (param i32 i32 i32 i32)))
    (import "wasi:io/streams@0.2.6" "[method]output-stream.write-zeroes" (func $zeroes (param i32 i64 i32)))"#;

#[tokio::test]
async fn a_stream_takes_no_more_at_once_than_it_says() {
    let cases = [
        "(drop (memory.grow (i32.const 16))) (call $write (call $stdout) (i32.const 0) (i32.const 100000) (i32.const 8192))",
        "(call $zeroes (call $stdout) (i64.const 0x7fffffffffffffff) (i32.const 8192))",
    ];

    for call in cases {
        let room = Room::new();
        let run = format!("{call} (call $ok (i32.const 32) (i32.const 4))");
        let guest = Guest { imports: STREAMS_IMPORTS, run: &run, ..Guest::default() };

        let execution = room.run(guest.build_for(STREAMS)).await;

        assert!(matches!(execution.ending, Ending::Failed { .. }), "{call}: {execution:?}");
        assert!(room.world.texts().is_empty());
    }
}

#[tokio::test]
async fn a_poll_of_a_huge_list_is_refused_before_the_host_walks_it() {
    let room = Room::new();
    let imports = r#"
        (import "wasi:clocks/monotonic-clock@0.2.6" "subscribe-duration" (func $after (param i64) (result i32)))
        (import "wasi:io/poll@0.2.6" "poll" (func $poll (param i32 i32 i32)))"#;
    // A million times the same handle.
    let run = "(local $n i32) (local $handle i32)
        (drop (memory.grow (i32.const 64)))
        (local.set $handle (call $after (i64.const 0)))
        (loop $again
            (i32.store (i32.add (i32.const 65536) (i32.mul (local.get $n) (i32.const 4))) (local.get $handle))
            (local.set $n (i32.add (local.get $n) (i32.const 1)))
            (br_if $again (i32.lt_u (local.get $n) (i32.const 1000000))))
        (call $poll (i32.const 65536) (i32.const 1000000) (i32.const 8192))
        (call $ok (i32.const 32) (i32.const 4))";

    let execution = room.run(Guest { imports, run, ..Guest::default() }.build()).await;

    assert_failed(&execution, ErrorKind::Trap, "handle limit");
}

#[tokio::test]
async fn resources_of_the_guests_own_are_limited_too() {
    let room = Room::new();
    let wit = "package test:w;
        interface things { resource thing { constructor(); } }
        world w { export things; export jobs:task/guest@1.0.0; }";
    let imports =
        r#"(import "[export]test:w/things" "[resource-new]thing" (func $new (param i32) (result i32)))"#;
    let extra = r#"(func (export "test:w/things#[constructor]thing") (result i32) (i32.const 0))"#;
    let run = "(loop $again (drop (call $new (i32.const 1))) (br $again)) (unreachable)";

    let execution = room.run(Guest { imports, extra, run }.build_for(wit)).await;

    assert_failed(&execution, ErrorKind::Trap, "handle limit");
}

/// Sockets and names, as far as a guest needs them to try.
const SOCKETS: &str = "package test:w;
    package wasi:sockets@0.2.6 {
        interface network {
            resource network;
            enum error-code {
                unknown, access-denied, not-supported, invalid-argument, out-of-memory, timeout,
                concurrency-conflict, not-in-progress, would-block, invalid-state, new-socket-limit,
                address-not-bindable, address-in-use, remote-unreachable, connection-refused, connection-reset,
                connection-aborted, datagram-too-large, name-unresolvable, temporary-resolver-failure,
                permanent-resolver-failure,
            }
            enum ip-address-family { ipv4, ipv6 }
        }
        interface instance-network {
            use network.{network};
            instance-network: func() -> network;
        }
        interface tcp { resource tcp-socket; }
        interface tcp-create-socket {
            use network.{error-code, ip-address-family};
            use tcp.{tcp-socket};
            create-tcp-socket: func(address-family: ip-address-family) -> result<tcp-socket, error-code>;
        }
        interface udp { resource udp-socket; }
        interface udp-create-socket {
            use network.{error-code, ip-address-family};
            use udp.{udp-socket};
            create-udp-socket: func(address-family: ip-address-family) -> result<udp-socket, error-code>;
        }
        interface ip-name-lookup {
            use network.{network, error-code};
            resource resolve-address-stream;
            resolve-addresses: func(network: borrow<network>, name: string)
                -> result<resolve-address-stream, error-code>;
        }
    }
    world w {
        import wasi:sockets/tcp-create-socket@0.2.6;
        import wasi:sockets/udp-create-socket@0.2.6;
        import wasi:sockets/instance-network@0.2.6;
        import wasi:sockets/ip-name-lookup@0.2.6;
        export jobs:task/guest@1.0.0;
    }";
const SOCKETS_IMPORTS: &str = r#"
    (import "wasi:sockets/tcp-create-socket@0.2.6" "create-tcp-socket" (func $tcp (param i32 i32)))
    (import "wasi:sockets/udp-create-socket@0.2.6" "create-udp-socket" (func $udp (param i32 i32)))
    (import "wasi:sockets/instance-network@0.2.6" "instance-network" (func $network (result i32)))
    (import "wasi:sockets/ip-name-lookup@0.2.6" "resolve-addresses" (func $resolve (param i32 i32 i32 i32)))"#;

#[tokio::test]
async fn no_socket_is_opened_and_no_name_looked_up() {
    // Each is told an error of this number; whatever else comes of it is a trap.
    let cases = [
        ("(call $tcp (i32.const 0) (i32.const 8192))", 1),
        ("(call $udp (i32.const 1) (i32.const 8192))", 1),
        ("(call $resolve (call $network) (i32.const 48) (i32.const 4) (i32.const 8192))", 20),
    ];

    for (call, code) in cases {
        let room = Room::new();
        let run = format!(
            "{call}
            (if (i32.ne (i32.load8_u (i32.const 8192)) (i32.const 1)) (then (unreachable)))
            (if (i32.ne (i32.load8_u (i32.const 8196)) (i32.const {code})) (then (unreachable)))
            (call $ok (i32.const 32) (i32.const 4))"
        );
        let guest = Guest { imports: SOCKETS_IMPORTS, run: &run, ..Guest::default() };

        let execution = room.run(guest.build_for(SOCKETS)).await;

        assert_eq!(execution.ending, Ending::Succeeded, "{call}");
    }
}
