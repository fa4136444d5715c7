//! The gallery: `build.rs` makes the enum from the files of `hostile/`.

use model::grants::Capability;

use crate::wrapper::{EVERYTHING, Module};

include!(concat!(env!("OUT_DIR"), "/hostile.rs"));

impl Hostile {
    /// The component's bytes.
    #[must_use]
    pub fn component(self) -> Vec<u8> {
        let module = Module { tasks: &[self.name()], imports: "", fields: self.text() };
        module.component(&EVERYTHING)
    }

    /// What it imports, and so what must be granted before it can be published.
    #[must_use]
    pub fn capabilities(self) -> Vec<Capability> {
        Capability::ALL.into_iter().filter(|capability| self.imports(*capability)).collect()
    }

    fn imports(self, capability: Capability) -> bool {
        self.text().contains(&format!("\"jobs:task/{}@", capability.interface()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_guest_of_the_gallery_is_a_component_with_a_name_of_its_own() {
        for guest in Hostile::ALL {
            let component = guest.component();
            assert_eq!(component[..8], *b"\0asm\x0d\0\x01\0", "{}", guest.name());
            assert!(component.windows(guest.name().len()).any(|bytes| bytes == guest.name().as_bytes()));
        }
    }

    #[test]
    fn what_a_guest_imports_is_what_it_must_be_granted() {
        assert_eq!(Hostile::TightLoop.capabilities(), []);
        assert_eq!(Hostile::MailLoop.capabilities(), [Capability::Mail]);
        assert_eq!(Hostile::HttpLoop.capabilities(), [Capability::Http]);
    }
}
