//! One broken rule at one place.

/// One broken rule at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// File, relative to the root.
    pub path: String,
    /// Line from 1; 0 when the whole file is meant.
    pub line: usize,
    /// The rule's name.
    pub rule: &'static str,
    /// What is wrong and what to do instead.
    pub why: String,
}

impl Finding {
    /// A finding at a line (from 1).
    pub fn at(path: &str, line: usize, rule: &'static str, why: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, rule, why: why.into() }
    }

    /// A finding about a whole file.
    pub fn in_file(path: &str, rule: &'static str, why: impl Into<String>) -> Self {
        Self::at(path, 0, rule, why)
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            0 => write!(f, "{}: [{}] {}", self.path, self.rule, self.why),
            line => write!(f, "{}:{line}: [{}] {}", self.path, self.rule, self.why),
        }
    }
}
