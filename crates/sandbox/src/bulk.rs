//! Cuts bulk memory instructions into pieces, so that a guest can be stopped in the middle of one.
//!
//! The engine looks at epoch and fuel once before a `memory.fill` or `memory.copy`, and nothing can end it from then
//! on. One that touches 128 MiB for the first time takes some tenths of a second, one of 4 GiB some seconds. So the
//! compile worker puts a call in place of each, to a function that does the same in pieces:
//!
//! ```text
//! memory.fill $m   →   call $fill_m:   up to one piece, or out of bounds: the instruction itself, which traps whole
//!                                      else: loop over pieces; the engine looks at epoch and fuel before each
//! ```
//! Instructions whose length is a constant of up to one piece stay as they are. All other bytes of the component are
//! copied as they came. Memories have 32 bits here: the engines are made so. `memory.init` copies no more than the
//! component brought along, and tables are too small to matter.

use std::collections::BTreeMap;

use wasmparser::{
    BinaryReader, BinaryReaderError, FunctionBody, FunctionSectionReader, ImportSectionReader, Operator,
    Parser, TypeRef, TypeSectionReader,
};

/// Raised when what this makes of a component changes: it is part of what compiled code depends on.
pub(crate) const REVISION: u32 = 1;

/// One piece: it takes some milliseconds when its pages are touched for the first time, else a tenth of one.
const PIECE_BYTES: i32 = 1 << 20;

/// Longest header of a module or component.
const HEADER_BYTES: usize = 8;

/// The number of a section, and what is in it.
type Section<'a> = (u8, &'a [u8]);

type Result<T> = std::result::Result<T, BinaryReaderError>;

/// An instruction that is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Bulk {
    Fill { memory: u32 },
    Copy { to: u32, from: u32 },
}

/// `component` with its bulk memory instructions cut.
///
/// # Errors
/// When it is malformed.
pub(crate) fn cut(component: &[u8]) -> Result<Vec<u8>> {
    let (header, sections) = sections(component)?;
    let mut out = header.to_vec();
    if Parser::is_core_wasm(component) {
        cut_module(&sections, &mut out)?;
        return Ok(out);
    }
    for (id, contents) in sections {
        match id {
            // A core module and a component inside.
            1 | 4 => section(&mut out, id, &cut(contents)?),
            _ => section(&mut out, id, contents),
        }
    }
    Ok(out)
}

fn sections(bytes: &[u8]) -> Result<(&[u8], Vec<Section<'_>>)> {
    let mut reader = BinaryReader::new(bytes, 0);
    let header = reader.read_bytes(HEADER_BYTES)?;
    let mut sections = Vec::new();
    while !reader.eof() {
        let id = reader.read_u8()?;
        let size = reader.read_var_u32()?;
        sections.push((id, reader.read_bytes(size as usize)?));
    }
    Ok((header, sections))
}

fn cut_module(sections: &[Section<'_>], out: &mut Vec<u8>) -> Result<()> {
    let find = |wanted: u8| sections.iter().find(|(id, _)| *id == wanted).map(|(_, contents)| *contents);
    let mut functions = Functions::count(find(1), find(2), find(3))?;
    let code = find(10).map(|code| cut_code(code, &mut functions)).transpose()?;
    for (id, contents) in sections {
        match (id, &code) {
            (1, _) => section(out, *id, &functions.types(contents)?),
            (3, _) => section(out, *id, &functions.declarations(contents)?),
            (10, Some(code)) => section(out, *id, code),
            // It points into code that has moved.
            (0, _) if is_branch_hints(contents) => {}
            _ => section(out, *id, contents),
        }
    }
    Ok(())
}

fn is_branch_hints(custom: &[u8]) -> bool {
    BinaryReader::new(custom, 0).read_string().is_ok_and(|name| name == "metadata.code.branch_hint")
}

/// The functions that stand in for instructions, and where they come after the module's own.
struct Functions {
    types: u32,
    functions: u32,
    added: BTreeMap<Bulk, u32>,
}

impl Functions {
    fn count(types: Option<&[u8]>, imports: Option<&[u8]>, declared: Option<&[u8]>) -> Result<Self> {
        let reader = |section| BinaryReader::new(section, 0);
        let mut counted = Self { types: 0, functions: 0, added: BTreeMap::new() };
        if let Some(section) = types {
            for group in TypeSectionReader::new(reader(section))? {
                counted.types += u32::try_from(group?.types().len()).unwrap_or(u32::MAX);
            }
        }
        if let Some(section) = imports {
            for import in ImportSectionReader::new(reader(section))?.into_imports() {
                counted.functions +=
                    u32::from(matches!(import?.ty, TypeRef::Func(_) | TypeRef::FuncExact(_)));
            }
        }
        if let Some(section) = declared {
            counted.functions =
                counted.functions.saturating_add(FunctionSectionReader::new(reader(section))?.count());
        }
        Ok(counted)
    }

    /// The function that stands in for `bulk`.
    fn of(&mut self, bulk: Bulk) -> u32 {
        let next = self.functions + u32::try_from(self.added.len()).unwrap_or(u32::MAX);
        *self.added.entry(bulk).or_insert(next)
    }

    /// Those added, in the order of their indices.
    fn in_order(&self) -> Vec<Bulk> {
        let mut order: Vec<(u32, Bulk)> = self.added.iter().map(|(bulk, index)| (*index, *bulk)).collect();
        order.sort_unstable();
        order.into_iter().map(|(_, bulk)| bulk).collect()
    }

    /// The type section with their one type at its end: three times i32, to nothing.
    fn types(&self, section: &[u8]) -> Result<Vec<u8>> {
        if self.added.is_empty() {
            return Ok(section.to_vec());
        }
        appended(section, 1, &[0x60, 3, 0x7f, 0x7f, 0x7f, 0])
    }

    fn declarations(&self, section: &[u8]) -> Result<Vec<u8>> {
        let mut declared = Vec::new();
        for _ in &self.added {
            unsigned(&mut declared, self.types);
        }
        appended(section, self.added.len(), &declared)
    }
}

/// A section with `more` items, in `bytes`, at its end.
fn appended(section: &[u8], more: usize, bytes: &[u8]) -> Result<Vec<u8>> {
    let mut reader = BinaryReader::new(section, 0);
    let count = reader.read_var_u32()?;
    let items = reader.read_bytes(reader.bytes_remaining())?;
    let mut out = Vec::with_capacity(section.len() + bytes.len() + 8);
    unsigned(&mut out, count.saturating_add(u32::try_from(more).unwrap_or(u32::MAX)));
    out.extend_from_slice(items);
    out.extend_from_slice(bytes);
    Ok(out)
}

fn cut_code(section: &[u8], functions: &mut Functions) -> Result<Vec<u8>> {
    let mut reader = BinaryReader::new(section, 0);
    let count = reader.read_var_u32()?;
    let mut bodies = Vec::with_capacity(section.len());
    for _ in 0..count {
        let size = reader.read_var_u32()?;
        let body = cut_body(reader.read_bytes(size as usize)?, functions)?;
        sized(&mut bodies, &body);
    }
    if !reader.eof() {
        return Err(reader.read_bytes(usize::MAX).expect_err("there are not so many"));
    }
    let added = functions.in_order();
    let mut out = Vec::with_capacity(bodies.len() + 8);
    unsigned(&mut out, count.saturating_add(u32::try_from(added.len()).unwrap_or(u32::MAX)));
    out.append(&mut bodies);
    for bulk in added {
        sized(&mut out, &in_pieces(bulk));
    }
    Ok(out)
}

fn cut_body(body: &[u8], functions: &mut Functions) -> Result<Vec<u8>> {
    let mut operators = FunctionBody::new(BinaryReader::new(body, 0)).get_operators_reader()?;
    let mut out = Vec::with_capacity(body.len());
    let mut copied = 0;
    let mut short = false;
    while !operators.eof() {
        let (operator, at) = operators.read_with_offset()?;
        let bulk = match operator {
            Operator::MemoryFill { mem } if !short => Some(Bulk::Fill { memory: mem }),
            Operator::MemoryCopy { dst_mem, src_mem } if !short => {
                Some(Bulk::Copy { to: dst_mem, from: src_mem })
            }
            _ => None,
        };
        // The last operand is the length.
        short = matches!(operator, Operator::I32Const { value } if (0..=PIECE_BYTES).contains(&value));
        if let Some(bulk) = bulk {
            out.extend_from_slice(&body[copied..at]);
            out.push(CALL);
            unsigned(&mut out, functions.of(bulk));
            copied = operators.original_position();
        }
    }
    out.extend_from_slice(&body[copied..]);
    Ok(out)
}

const CALL: u8 = 0x10;
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
fn in_pieces(bulk: Bulk) -> Vec<u8> {
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

fn section(out: &mut Vec<u8>, id: u8, contents: &[u8]) {
    out.push(id);
    sized(out, contents);
}

/// The length, then the bytes.
fn sized(out: &mut Vec<u8>, bytes: &[u8]) {
    unsigned(out, u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    out.extend_from_slice(bytes);
}

/// An unsigned number as the binary format has it: seven bits a byte, the lowest first.
fn unsigned(out: &mut Vec<u8>, mut number: u32) {
    loop {
        let low = number.to_le_bytes()[0] & 0x7f;
        number >>= 7;
        if number == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use wasmtime::{Config, Engine, Func, Instance, Module, Store, UpdateDeadline};

    use super::*;

    /// Two memories of 5 MiB, the first with a pattern, and a function for each instruction; one imported, so that the
    /// indices of imported and defined functions differ.
    const MODULE: &str = r#"(module
        (import "" "" (func $noted))
        (memory $one (export "one") 80)
        (memory $two (export "two") 80)
        (func (export "fill") (param i32 i32 i32) (call $noted)
            (memory.fill $one (local.get 0) (local.get 1) (local.get 2)))
        (func (export "copy") (param i32 i32 i32)
            (memory.copy $one $one (local.get 0) (local.get 1) (local.get 2)))
        (func (export "across") (param i32 i32 i32)
            (memory.copy $two $one (local.get 0) (local.get 1) (local.get 2)))
        (func (export "short") (param i32 i32 i32)
            (memory.fill $one (local.get 0) (local.get 1) (i32.const 4096))))"#;

    fn whole() -> Vec<u8> {
        wat::parse_str(MODULE).expect("it is valid")
    }

    /// A module that is called again and again.
    struct Lab {
        engine: Engine,
        module: Module,
        pattern: Vec<u8>,
    }

    impl Lab {
        fn of(module: &[u8]) -> Self {
            let engine = Engine::new(Config::new().epoch_interruption(true)).expect("an engine");
            let module = Module::new(&engine, module).expect("it is valid");
            let pattern: Vec<u8> = (0..=250).cycle().take(80 << 16).collect();
            Self { engine, module, pattern }
        }

        /// Whether the call went well, what the memories hold then, and how often the engine looked at the epoch.
        fn call(&self, function: &str, arguments: (i32, i32, i32)) -> (bool, [Vec<u8>; 2], u64) {
            let looks = Arc::new(AtomicU64::new(0));
            let mut store = Store::new(&self.engine, ());
            store.set_epoch_deadline(0);
            let counted = Arc::clone(&looks);
            store.epoch_deadline_callback(move |_| {
                counted.fetch_add(1, Ordering::Relaxed);
                Ok(UpdateDeadline::Continue(0))
            });
            let noted = Func::wrap(&mut store, || {});
            let instance =
                Instance::new(&mut store, &self.module, &[noted.into()]).expect("it is instantiated");
            let memories =
                ["one", "two"].map(|name| instance.get_memory(&mut store, name).expect("it is exported"));
            memories[0].data_mut(&mut store).copy_from_slice(&self.pattern);

            let function = instance.get_typed_func::<(i32, i32, i32), ()>(&mut store, function);
            let went_well = function.expect("it is exported").call(&mut store, arguments).is_ok();

            let held = memories.map(|memory| memory.data(&store).to_vec());
            (went_well, held, looks.load(Ordering::Relaxed))
        }
    }

    const MIB: i32 = 1 << 20;

    #[test]
    fn in_pieces_it_does_the_same() {
        let (original, cut) = (Lab::of(&whole()), Lab::of(&cut(&whole()).expect("it is valid")));
        let cases = [
            (0, 7, 0),
            (3, 7, MIB),
            (3, 7, MIB + 1),
            (0, 7, 5 * MIB),
            (5, 9, 4 * MIB + 77),
            (9, 5, 4 * MIB + 77),
            (MIB, 0, 4 * MIB),
            (0, MIB, 4 * MIB),
            // Out of bounds, by little and by much, the sum beyond 32 bits.
            (MIB, 0, 4 * MIB + 1),
            (0, MIB, 4 * MIB + 1),
            (-1, 0, 2 * MIB),
            (0, -1, 2 * MIB),
            (0, 0, -1),
        ];

        for case in cases {
            for function in ["fill", "copy", "across"] {
                let (expected, got) = (original.call(function, case), cut.call(function, case));
                assert_eq!(expected.0, got.0, "{function} {case:?}");
                assert!(expected.1 == got.1, "{function} {case:?} left something else in memory");
            }
        }
    }

    #[test]
    fn the_engine_looks_at_the_epoch_before_each_piece() {
        let (original, cut) = (Lab::of(&whole()), Lab::of(&cut(&whole()).expect("it is valid")));

        for function in ["fill", "copy", "across"] {
            let (_, _, before) = original.call(function, (0, 7, 4 * MIB));
            let (_, _, looks) = cut.call(function, (0, 7, 4 * MIB));
            assert!(before <= 3 && looks >= 4, "{function}: {before} {looks}");
        }
    }

    #[test]
    fn what_is_short_stays_as_it_is() {
        let short = wat::parse_str(
            "(module (memory 1) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 9))))",
        );
        let short = short.expect("it is valid");

        assert_eq!(cut(&short).expect("it is valid"), short);
    }

    #[test]
    fn modules_inside_components_are_cut_and_the_rest_is_copied() {
        let inside = |module: &str| {
            wat::parse_str(format!("(component (component (core module {module})) (type $t string))"))
                .expect("valid")
        };
        let long = "(memory 1) (func (param i32) (memory.fill (i32.const 0) (i32.const 0) (local.get 0)))";
        let none = "(memory 1) (func (param i32))";

        assert_eq!(cut(&inside(none)).expect("it is valid"), inside(none));
        let cut = cut(&inside(long)).expect("it is valid");
        assert!(cut.len() > inside(long).len() + 50);
        wasmparser::validate(&cut).expect("it is valid");
    }

    #[test]
    fn what_is_cut_off_is_malformed() {
        let whole = whole();

        for length in [0, 7, 9, whole.len() - 1] {
            assert!(cut(&whole[..length]).is_err(), "{length}");
        }
    }
}
