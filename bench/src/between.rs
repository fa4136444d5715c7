//! A page that is written by hand but for what a run measured.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};

/// Puts `run` into the page, between its two lines `<!-- the last run of COMMAND: begin -->` and `… end -->`.
///
/// # Errors
/// When the page cannot be read or written, or has no such lines.
pub fn write_between(path: &Path, command: &str, run: &str) -> Result<()> {
    let page = fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    let page = with_run(&page, command, run).with_context(|| format!("read {}", path.display()))?;
    fs::write(path, page).with_context(|| format!("write {}", path.display()))
}

fn with_run(page: &str, command: &str, run: &str) -> Result<String> {
    let [from, until] = ["begin", "end"].map(|end| format!("<!-- the last run of {command}: {end} -->"));
    let begin = page.find(&from).map(|at| at + from.len());
    let end = page.find(&until);
    ensure!(begin.zip(end).is_some_and(|(begin, end)| begin <= end), "it lacks {from:?} or {until:?}");
    let (begin, end) = (begin.unwrap_or_default(), end.unwrap_or_default());
    Ok(format!("{}\n\n{}\n\n{}", &page[..begin], run.trim(), &page[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FROM: &str = "<!-- the last run of make x: begin -->";
    const UNTIL: &str = "<!-- the last run of make x: end -->";

    #[test]
    fn a_run_takes_the_place_of_the_one_before() {
        let page = format!("# Title\n\nwords\n\n{FROM}\nold\n{UNTIL}\nmore words\n");

        let once = with_run(&page, "make x", "new\n").expect("it has markers");
        let twice = with_run(&once, "make x", "new\n").expect("it has markers");

        assert_eq!(once, format!("# Title\n\nwords\n\n{FROM}\n\nnew\n\n{UNTIL}\nmore words\n"));
        assert_eq!(twice, once);
    }

    #[test]
    fn a_page_without_markers_is_left_alone() {
        assert!(with_run("# Title\n", "make x", "new").is_err());
    }
}
