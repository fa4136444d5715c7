//! How text is laid out: whether it may have colours, and how wide it may be.

/// Prose is not made narrower than this: it would hardly be read.
const PROSE_WIDTH_MIN: usize = 24;

/// How text is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct View {
    pub(crate) paint: Paint,
    /// Columns; none: as many as it takes.
    pub(crate) width: Option<u16>,
}

impl View {
    /// Prose as lines that fit, each but the first after `indent` columns, in which it stands already.
    pub(crate) fn wrapped(&self, prose: &str, indent: usize) -> String {
        let room = self.width.map_or(usize::MAX, |width| usize::from(width).saturating_sub(indent));
        let room = room.max(PROSE_WIDTH_MIN);
        let mut lines = vec![String::new()];
        for word in prose.split(' ') {
            let line = lines.last().map_or(0, |line| line.chars().count());
            match lines.last_mut() {
                Some(last) if line > 0 && line + 1 + word.chars().count() <= room => {
                    last.push(' ');
                    last.push_str(word);
                }
                Some(last) if line == 0 => last.push_str(word),
                _ => lines.push(word.to_owned()),
            }
        }
        lines.join(&format!("\n{:indent$}", ""))
    }
}

/// Colours, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Paint(bool);

impl Paint {
    pub(crate) fn new(is_on: bool) -> Self {
        Self(is_on)
    }

    pub(crate) fn is_on(self) -> bool {
        self.0
    }

    pub(crate) fn red(self, text: &str) -> String {
        self.code("1;31", text)
    }

    pub(crate) fn cyan(self, text: &str) -> String {
        self.code("36", text)
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.code("1", text)
    }

    pub(crate) fn dim(self, text: &str) -> String {
        self.code("2", text)
    }

    /// A word that says how something stands, in the colour of its meaning.
    pub(crate) fn state(self, word: &str) -> String {
        match meaning(word) {
            Meaning::Good => self.code("32", word),
            Meaning::Bad => self.red(word),
            Meaning::Active => self.cyan(word),
            Meaning::Plain => word.to_owned(),
        }
    }

    fn code(self, code: &str, text: &str) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// What a word says of how something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    Good,
    Bad,
    Active,
    Plain,
}

/// The meaning of a state or an outcome.
pub(crate) fn meaning(word: &str) -> Meaning {
    match word {
        "succeeded" | "ready" | "active" => Meaning::Good,
        "failed" | "lost" | "error" | "disabled" => Meaning::Bad,
        "running" => Meaning::Active,
        _ => Meaning::Plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_is_broken_between_words_and_set_off() {
        let at = |width| View { width, ..View::default() }.wrapped("one two three four five six seven", 6);

        assert_eq!(at(None), "one two three four five six seven");
        assert_eq!(at(Some(32)), "one two three four five\n      six seven");
        assert_eq!(at(Some(1)), at(Some(30)), "not narrower than it can be read");
    }
}
