//! Cheap checks of a component before a compiler sees it: one pass over its sections, nothing is validated.
//!
//! They bound what makes compilers explode: nesting, the number of modules and components, of instances once
//! all instantiations are written out (a component that instantiates its child twice, 24 levels deep, is 1.5 kB
//! and makes 16 million), of functions, and the size of one function.

use model::bounds::COMPONENT_BYTES_MAX;
use wasmparser::{
    ComponentAlias, ComponentExternalKind, ComponentInstance, ComponentOuterAliasKind, ComponentTypeRef,
    Instance, Parser, Payload,
};

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
        message: format!("is not a valid component: {error}"),
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
                self.define(makes);
                Ok(())
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
            self.outline.imports.push(import.name.name.to_owned());
        }
        Ok(())
    }

    fn export(&mut self, export: &wasmparser::ComponentExport<'_>) -> Result<(), Refusal> {
        if self.open.len() == 1 {
            self.outline.exports.push(export.name.name.to_owned());
        }
        if export.kind == ComponentExternalKind::Component {
            let makes = self.component(0, export.index)?;
            self.define(makes);
        }
        Ok(())
    }

    fn define(&mut self, makes: u64) {
        if let Some(Some(component)) = self.open.last_mut() {
            component.components.push(makes);
        }
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

/// What such a component makes is not known before it is linked, and no toolchain makes them.
fn passes_components() -> Refusal {
    policy("passes components as values, which cannot be checked before compiling".to_owned())
}
