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

mod pieces;

use std::collections::BTreeMap;

use wasmparser::{
    BinaryReader, BinaryReaderError, FunctionBody, FunctionSectionReader, ImportSectionReader, Operator,
    Parser, TypeRef, TypeSectionReader,
};

use pieces::{PIECE_BYTES, in_pieces};

/// Raised when what this makes of a component changes: it is part of what compiled code depends on.
pub(crate) const REVISION: u32 = 1;

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
mod tests;
