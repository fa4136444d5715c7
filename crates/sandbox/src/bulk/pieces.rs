//! The functions that stand in for bulk memory instructions, in the binary format.

use super::{Bulk, unsigned};

/// One piece: it takes some milliseconds when its pages are touched for the first time, else a tenth of one.
pub(super) const PIECE_BYTES: i32 = 1 << 20;

const IF: u8 = 0x04;
const ELSE: u8 = 0x05;
const LOOP: u8 = 0x03;
const END: u8 = 0x0b;
const BR_IF: u8 = 0x0d;
const RETURN: u8 = 0x0f;
const TO_NOTHING: u8 = 0x40;
const GET: u8 = 0x20;
const SET: u8 = 0x21;
const TEE: u8 = 0x22;
const LE_U: u8 = 0x4d;
const GT_U: u8 = 0x4b;
const ADD: u8 = 0x6a;
const SUB: u8 = 0x6b;
const OR: u8 = 0x72;
const MEMORY_SIZE: u8 = 0x3f;
const WIDE_CONST: u8 = 0x42;
const WIDE_ADD: u8 = 0x7c;
const WIDE_SHL: u8 = 0x86;
const WIDE_GT_U: u8 = 0x56;
const WIDEN: u8 = 0xad;

/// The parameters: where to, from where or which byte, how many bytes.
const TO: u8 = 0;
const WHAT: u8 = 1;
const BYTES: u8 = 2;

/// The body of the function that does `bulk` in pieces.
pub(super) fn in_pieces(bulk: Bulk) -> Vec<u8> {
    // No locals.
    let mut code = vec![0];
    let whole = [GET, TO, GET, WHAT, GET, BYTES];
    // At once what is short, or out of bounds: that traps before it writes anything.
    code.extend([GET, BYTES]);
    piece(&mut code);
    code.push(LE_U);
    match bulk {
        Bulk::Fill { memory } => beyond(&mut code, TO, memory),
        Bulk::Copy { to, from } => {
            beyond(&mut code, TO, to);
            beyond(&mut code, WHAT, from);
        }
    }
    code.extend([IF, TO_NOTHING]);
    code.extend(whole);
    instruction(&mut code, bulk);
    code.extend([RETURN, END]);
    match bulk {
        Bulk::Fill { .. } => forwards(&mut code, bulk),
        // As `memmove`: from the end where what is written would be read later.
        Bulk::Copy { .. } => {
            code.extend([GET, TO, GET, WHAT, GT_U, IF, TO_NOTHING]);
            backwards(&mut code, bulk);
            code.push(ELSE);
            forwards(&mut code, bulk);
            code.push(END);
        }
    }
    code.extend(whole);
    instruction(&mut code, bulk);
    code.push(END);
    code
}

/// Or: whether the range from the address in `start` on ends beyond `memory`.
fn beyond(code: &mut Vec<u8>, start: u8, memory: u32) {
    code.extend([GET, start, WIDEN, GET, BYTES, WIDEN, WIDE_ADD, MEMORY_SIZE]);
    unsigned(code, memory);
    // In pages of 64 KiB.
    code.extend([WIDEN, WIDE_CONST, 16, WIDE_SHL, WIDE_GT_U, OR]);
}

/// All pieces but the last, from the beginning.
fn forwards(code: &mut Vec<u8>, bulk: Bulk) {
    code.extend([LOOP, TO_NOTHING, GET, TO, GET, WHAT]);
    piece(code);
    instruction(code, bulk);
    advance(code, TO);
    if let Bulk::Copy { .. } = bulk {
        advance(code, WHAT);
    }
    code.extend([GET, BYTES]);
    piece(code);
    code.extend([SUB, TEE, BYTES]);
    piece(code);
    code.extend([GT_U, BR_IF, 0, END]);
}

/// All pieces but the first, from the end.
fn backwards(code: &mut Vec<u8>, bulk: Bulk) {
    code.extend([LOOP, TO_NOTHING, GET, BYTES]);
    piece(code);
    code.extend([SUB, SET, BYTES]);
    code.extend([GET, TO, GET, BYTES, ADD, GET, WHAT, GET, BYTES, ADD]);
    piece(code);
    instruction(code, bulk);
    code.extend([GET, BYTES]);
    piece(code);
    code.extend([GT_U, BR_IF, 0, END]);
}

fn advance(code: &mut Vec<u8>, address: u8) {
    code.extend([GET, address]);
    piece(code);
    code.extend([ADD, SET, address]);
}

/// `i32.const` of one piece: 2^20 in the binary format.
fn piece(code: &mut Vec<u8>) {
    const { assert!(PIECE_BYTES == 1 << 20) };
    code.extend([0x41, 0x80, 0x80, 0xc0, 0x00]);
}

fn instruction(code: &mut Vec<u8>, bulk: Bulk) {
    match bulk {
        Bulk::Fill { memory } => {
            code.extend([0xfc, 0x0b]);
            unsigned(code, memory);
        }
        Bulk::Copy { to, from } => {
            code.extend([0xfc, 0x0a]);
            unsigned(code, to);
            unsigned(code, from);
        }
    }
}
