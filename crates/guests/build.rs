//! Makes the enum `Hostile` from the files of `hostile/`, so that a guest that no test knows does not compile.
//!
//! A file opens with a comment: what the guest does, then a line `;; Ends: …` that says how it must end, by itself
//! or, when the line begins with `never`, only when it is stopped. The comment becomes the variant's documentation.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// One file of the gallery.
struct Guest {
    name: String,
    variant: String,
    comment: Vec<String>,
    endless: bool,
}

fn main() {
    println!("cargo::rerun-if-changed=hostile");
    let gallery = Path::new(env!("CARGO_MANIFEST_DIR")).join("hostile");
    let entries = fs::read_dir(&gallery).expect("the gallery is there");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("it can be read").path()).collect();
    paths.sort();
    let guests: Vec<Guest> = paths.iter().map(|path| read(path)).collect();
    #[expect(
        clippy::disallowed_methods,
        reason = "cargo tells a build script by its environment where to write"
    )]
    let folder = env::var("OUT_DIR").expect("cargo says where to write");
    fs::write(Path::new(&folder).join("hostile.rs"), write(&guests)).expect("it can be written");
}

fn read(path: &Path) -> Guest {
    let text = fs::read_to_string(path).expect("a guest is text");
    let name = path.file_stem().and_then(|stem| stem.to_str()).expect("a guest has a plain name").to_owned();
    let comment: Vec<String> =
        text.lines().map_while(|line| line.strip_prefix(";; ")).map(str::to_owned).collect();
    let end = comment.iter().find_map(|line| line.strip_prefix("Ends: "));
    let end = end.unwrap_or_else(|| panic!("{name} does not open with a comment that says how it ends"));
    let endless = end.starts_with("never");
    let variant = name.split('_').map(capitalised).collect();
    Guest { name, variant, comment, endless }
}

fn capitalised(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    first.to_ascii_uppercase() + rest
}

fn write(guests: &[Guest]) -> String {
    let mut variants = String::new();
    let mut arms = [String::new(), String::new(), String::new()];
    for Guest { name, variant, comment, endless } in guests {
        for line in comment {
            let paragraph = if line.starts_with("Ends: ") { "    ///\n" } else { "" };
            let _ = writeln!(variants, "{paragraph}    /// {line}");
        }
        let _ = writeln!(variants, "    {variant},");
        let text = format!(r#"include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/hostile/{name}.wat"))"#);
        for (arms, value) in arms.iter_mut().zip([format!("{name:?}"), text, endless.to_string()]) {
            let _ = writeln!(arms, "            Self::{variant} => {value},");
        }
    }
    let all: String = guests.iter().map(|guest| format!("Self::{}, ", guest.variant)).collect();
    let [names, texts, endless] = arms;
    let count = guests.len();
    format!(
        "/// The gallery: guests that mean harm, one for each file of `hostile/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Hostile {{
{variants}}}

impl Hostile {{
    /// All of them, by their names.
    pub const ALL: [Self; {count}] = [{all}];

    /// Its name, which is also that of its one task.
    #[must_use]
    pub const fn name(self) -> &'static str {{
        match self {{
{names}        }}
    }}

    /// Whether it goes on until it is stopped from outside, as long as fuel and host calls last.
    #[must_use]
    pub const fn endless(self) -> bool {{
        match self {{
{endless}        }}
    }}

    const fn text(self) -> &'static str {{
        match self {{
{texts}        }}
    }}
}}
"
    )
}
