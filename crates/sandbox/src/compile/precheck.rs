//! Cheap checks of a component before a compiler sees it: one pass over its sections, nothing is validated.
//!
//! They bound what makes compilers explode: nesting, the number of modules and components, of instances once
//! all instantiations are written out (a component that instantiates its child twice, 24 levels deep, is 1.5 kB
//! and makes 16 million), of functions, and the size of one function. This pass runs in our own process, so it is
//! linear in the bytes, and what it keeps is bounded too. What gets past it meets the limits of the compile worker.

use model::bounds::COMPONENT_BYTES_MAX;
use wasmparser::{
    ComponentAlias, ComponentExternalKind, ComponentInstance, ComponentOuterAliasKind, ComponentTypeRef,
    Instance, Parser, Payload,
};

use super::one_line;
use crate::engine::CORE_INSTANCES_MAX;
use crate::inspection::{Refusal, RefusalKind};

/// Components in components. Compositions have a handful of levels.
const NESTING_MAX: usize = 32;

/// Modules and components, all levels together.
const PARTS_MAX: usize = 500;

/// Instances when every instantiation is written out.
const INSTANCES_MAX: u64 = CORE_INSTANCES_MAX as u64;

/// Functions of all modules. CPython and StarlingMonkey have 20,000 to 25,000.
const FUNCTIONS_MAX: u64 = 200_000;

/// Imports, exports, and components that have a name or an alias, of one component. Languages make some dozens.
const NAMED_MAX: usize = 1_000;

/// Largest name of an import or export of the component: five times what our own have.
const NAME_BYTES_MAX: usize = 256;

/// Largest body of one function, in bytes; some parts of compiling grow faster than the body does.
const BODY_BYTES_MAX: usize = 1 << 20;

/// What the pass saw.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Outline {
    /// Names of what the component imports.
    pub(crate) imports: Vec<String>,
    /// Names of what it exports.
    pub(crate) exports: Vec<String>,
}

/// Looks through `bytes`.
pub(crate) fn check(bytes: &[u8]) -> Result<Outline, Refusal> {
    if bytes.len() > COMPONENT_BYTES_MAX {
        let seen = bytes.len();
        return Err(policy(format!("has {seen} bytes; a component has at most {COMPONENT_BYTES_MAX} bytes")));
    }
    if Parser::is_core_wasm(bytes) {
        return Err(Refusal {
            kind: RefusalKind::Malformed,
            message: "is a core module, not a component".to_owned(),
            hint: Some(
                "build for wasm32-wasip2, or wrap it with `wasm-tools component new --adapt …`".to_owned(),
            ),
        });
    }
    if !Parser::is_component(bytes) {
        return Err(not_wasm(bytes));
    }
    let mut pass = Pass::default();
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.map_err(|error| malformed(&error))?;
        pass.see(payload)?;
    }
    Ok(pass.outline)
}

fn not_wasm(bytes: &[u8]) -> Refusal {
    let text = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'(');
    let hint =
        text.then(|| "this is the text format: turn it into a binary with `wasm-tools parse`".to_owned());
    Refusal {
        kind: RefusalKind::Malformed,
        message: "is not WebAssembly: it does not begin with \\0asm".to_owned(),
        hint,
    }
}

fn malformed(error: &wasmparser::BinaryReaderError) -> Refusal {
    Refusal {
        kind: RefusalKind::Malformed,
        message: format!("is not a valid component: {}", one_line(&error.to_string())),
        hint: None,
    }
}

fn policy(message: String) -> Refusal {
    Refusal { kind: RefusalKind::Policy, message, hint: None }
}

#[derive(Default)]
struct Pass {
    outline: Outline,
    /// The components around what is read now, outermost first; `None` stands for a core module.
    open: Vec<Option<Open>>,
    parts: usize,
    functions: u64,
}

/// A component while it is read.
#[derive(Default)]
struct Open {
    /// What each of its component indices makes when it is instantiated.
    components: Vec<u64>,
    /// What it makes itself.
    instances: u64,
}

impl Pass {
    fn see(&mut self, payload: Payload<'_>) -> Result<(), Refusal> {
        match payload {
            Payload::Version { encoding, .. } => {
                self.open((encoding == wasmparser::Encoding::Component).then(Open::default))
            }
            Payload::End(_) => {
                self.close();
                Ok(())
            }
            Payload::CodeSectionEntry(body) => self.function(body.range().len()),
            Payload::InstanceSection(reader) => self.each(reader, Self::core_instance),
            Payload::ComponentInstanceSection(reader) => self.each(reader, Self::component_instance),
            Payload::ComponentAliasSection(reader) => self.each(reader, Self::alias),
            Payload::ComponentImportSection(reader) => self.each(reader, Self::import),
            Payload::ComponentExportSection(reader) => self.each(reader, Self::export),
            _ => Ok(()),
        }
    }

    fn each<'a, T: wasmparser::FromReader<'a>>(
        &mut self,
        reader: wasmparser::SectionLimited<'a, T>,
        see: fn(&mut Self, &T) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        for item in reader {
            see(self, &item.map_err(|error| malformed(&error))?)?;
        }
        Ok(())
    }

    fn open(&mut self, component: Option<Open>) -> Result<(), Refusal> {
        self.open.push(component);
        self.parts += 1;
        if self.open.len() > NESTING_MAX {
            return Err(policy(format!(
                "is too expensive to compile: it nests deeper than {NESTING_MAX} levels"
            )));
        }
        if self.parts > PARTS_MAX {
            return Err(policy(format!(
                "is too expensive to compile: it has more than {PARTS_MAX} modules and components"
            )));
        }
        Ok(())
    }

    fn close(&mut self) {
        if let Some(Some(component)) = self.open.pop()
            && let Some(Some(parent)) = self.open.last_mut()
        {
            parent.components.push(component.instances);
        }
    }

    fn function(&mut self, body_bytes: usize) -> Result<(), Refusal> {
        self.functions += 1;
        if self.functions > FUNCTIONS_MAX {
            return Err(policy(format!(
                "is too expensive to compile: it has more than {FUNCTIONS_MAX} functions"
            )));
        }
        if body_bytes > BODY_BYTES_MAX {
            return Err(policy(format!(
                "is too expensive to compile: a function has {body_bytes} bytes; allowed are {BODY_BYTES_MAX}"
            )));
        }
        Ok(())
    }

    fn core_instance(&mut self, instance: &Instance<'_>) -> Result<(), Refusal> {
        match instance {
            Instance::Instantiate { .. } => self.makes(1),
            Instance::FromExports(_) => Ok(()),
        }
    }

    fn component_instance(&mut self, instance: &ComponentInstance<'_>) -> Result<(), Refusal> {
        match instance {
            ComponentInstance::Instantiate { component_index, .. } => {
                let makes = self.component(0, *component_index)?;
                self.makes(makes.saturating_add(1))
            }
            ComponentInstance::FromExports(_) => Ok(()),
        }
    }

    fn alias(&mut self, alias: &ComponentAlias<'_>) -> Result<(), Refusal> {
        match alias {
            ComponentAlias::Outer { kind: ComponentOuterAliasKind::Component, count, index } => {
                let makes = self.component(*count, *index)?;
                self.define(makes)
            }
            ComponentAlias::InstanceExport { kind: ComponentExternalKind::Component, .. } => {
                Err(passes_components())
            }
            _ => Ok(()),
        }
    }

    fn import(&mut self, import: &wasmparser::ComponentImport<'_>) -> Result<(), Refusal> {
        if matches!(import.ty, ComponentTypeRef::Component(_)) {
            return Err(passes_components());
        }
        if self.open.len() == 1 {
            self.outline.imports.push(named("imports", self.outline.imports.len(), import.name.name)?);
        }
        Ok(())
    }

    fn export(&mut self, export: &wasmparser::ComponentExport<'_>) -> Result<(), Refusal> {
        if self.open.len() == 1 {
            self.outline.exports.push(named("exports", self.outline.exports.len(), export.name.name)?);
        }
        if export.kind == ComponentExternalKind::Component {
            let makes = self.component(0, export.index)?;
            self.define(makes)?;
        }
        Ok(())
    }

    fn define(&mut self, makes: u64) -> Result<(), Refusal> {
        let Some(Some(component)) = self.open.last_mut() else {
            return Ok(());
        };
        if component.components.len() >= NAMED_MAX {
            return Err(policy(format!(
                "is too expensive to compile: it names more than {NAMED_MAX} components"
            )));
        }
        component.components.push(makes);
        Ok(())
    }

    /// What the component makes that has `index` among those of the `count`-th enclosing component.
    fn component(&self, count: u32, index: u32) -> Result<u64, Refusal> {
        let outer = self.open.iter().rev().nth(count as usize).and_then(Option::as_ref);
        outer.and_then(|outer| outer.components.get(index as usize)).copied().ok_or_else(|| Refusal {
            kind: RefusalKind::Malformed,
            message: format!("is not a valid component: it has no component {index}"),
            hint: None,
        })
    }

    fn makes(&mut self, more: u64) -> Result<(), Refusal> {
        let Some(Some(component)) = self.open.last_mut() else {
            return Ok(());
        };
        component.instances = component.instances.saturating_add(more);
        if component.instances > INSTANCES_MAX {
            return Err(policy(format!(
                "is too expensive to compile: it makes more than {INSTANCES_MAX} instances"
            )));
        }
        Ok(())
    }
}

/// A name that the component imports or exports, after so many others. It will be shown to people, so it is looked at
/// here, before the compiler's own check of its form.
fn named(what: &str, others: usize, name: &str) -> Result<String, Refusal> {
    if others >= NAMED_MAX {
        return Err(policy(format!("{what} more than {NAMED_MAX} names")));
    }
    if name.len() > NAME_BYTES_MAX {
        let seen = name.len();
        return Err(policy(format!(
            "{what} a name of {seen} bytes; a name has at most {NAME_BYTES_MAX} bytes"
        )));
    }
    if !name.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
        return Err(Refusal {
            kind: RefusalKind::Malformed,
            message: format!("is not a valid component: it {what} a name that is not printable"),
            hint: None,
        });
    }
    Ok(name.to_owned())
}

/// What such a component makes is not known before it is linked, and no toolchain makes them.
fn passes_components() -> Refusal {
    policy("passes components as values, which cannot be checked before compiling".to_owned())
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};

    use super::*;

    /// Any bytes give a verdict of one line and no panic.
    fn verdict(bytes: &[u8]) {
        if let Err(refusal) = check(bytes) {
            assert!(refusal.message.len() < 600, "{refusal}");
            assert!(!refusal.message.contains(|character: char| character.is_control()), "{refusal:?}");
        }
    }

    #[test]
    fn a_component_that_was_cut_anywhere_is_judged() {
        let whole = guests::Guest::default().build();
        assert!(check(&whole).is_ok());

        for length in 0..whole.len() {
            verdict(&whole[..length]);
        }
    }

    #[test]
    fn a_component_that_was_garbled_is_judged() {
        let whole = guests::Guest::default().build();
        let mut random = StdRng::seed_from_u64(3);

        for _ in 0..5_000 {
            let mut bytes = whole.clone();
            for _ in 0..random.random_range(1..=8) {
                garble(&mut bytes, &mut random);
            }
            verdict(&bytes);
        }
    }

    /// A flipped bit, another byte, the largest number, a part that is gone or there twice.
    fn garble(bytes: &mut Vec<u8>, random: &mut StdRng) {
        // The first eight bytes only say that it is a component.
        let at = random.random_range(8..bytes.len() - 16);
        let part = at..at + random.random_range(1..=16);
        match random.random_range(0..5) {
            0 => bytes[at] ^= 1 << random.random_range(0..8),
            1 => bytes[at] = random.random(),
            2 => drop(bytes.splice(at..=at, [0xff, 0xff, 0xff, 0xff, 0x0f])),
            3 => drop(bytes.drain(part)),
            _ => {
                let part = bytes[part].to_vec();
                drop(bytes.splice(at..at, part));
            }
        }
    }

    #[test]
    fn names_are_bounded_and_printable() {
        let import = |name: &str| named("imports", 0, name).map_err(|refusal| refusal.message);

        assert_eq!(import("jobs:task/log@1.0.0").as_deref(), Ok("jobs:task/log@1.0.0"));
        assert!(import(&"n".repeat(257)).is_err_and(|message| message.contains("257 bytes")));
        assert!(import("a\u{1b}[31m\nb").is_err_and(|message| message.contains("not printable")));
        assert!(named("exports", 1_000, "x").is_err_and(|refusal| refusal.message.contains("1000 names")));
    }
}
