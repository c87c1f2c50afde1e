//! What a test says that it shows.

use super::rows::{CHECKS, COMPOUNDS, FAULTS, VENUES};

/// A marked test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Its file.
    pub path: String,
    /// Its name.
    pub test: String,
    /// Rows of the fault catalogue.
    pub faults: Vec<String>,
    /// Venue and check.
    pub conformance: Vec<(String, String)>,
}

impl Mark {
    /// What it names that does not exist, as path and reason.
    pub fn unknown(&self) -> Vec<(String, String)> {
        let row = |fault: &&String| !FAULTS.iter().chain(&COMPOUNDS).any(|(id, _)| id == fault);
        let pair = |(venue, check): &&(String, String)| {
            !VENUES.contains(&venue.as_str()) || !CHECKS.iter().any(|(id, _)| id == check)
        };
        let rows =
            self.faults.iter().filter(row).map(|fault| format!("`{}` marks fault {fault}, which is none", self.test));
        let pairs = self.conformance.iter().filter(pair);
        let pairs = pairs.map(|(venue, check)| format!("`{}` marks `{venue} {check}`, which is none", self.test));
        rows.chain(pairs).map(|why| (self.path.clone(), why)).collect()
    }
}

/// The marked tests of a file.
pub fn find(path: &str, text: &str) -> Vec<Mark> {
    let mut found = Vec::new();
    let mut open: Option<Mark> = None;
    let mut is_test = false;
    for line in text.lines().map(str::trim) {
        if let Some(words) = line.strip_prefix("/// Fault:") {
            mark(&mut open, path).faults.extend(list(words, ','));
        } else if let Some(words) = line.strip_prefix("/// Conformance:") {
            let pairs = list(words, ';')
                .filter_map(|pair| Some(pair.split_once(' ')?).map(|(v, c)| (v.into(), c.trim().into())));
            mark(&mut open, path).conformance.extend(pairs);
        } else if line.starts_with("#[") {
            is_test |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
        } else if !line.starts_with("///") {
            if let (Some(mut mark), true, Some(test)) = (open.take(), is_test, name_of(line)) {
                mark.test = test;
                found.push(mark);
            }
            is_test = false;
        }
    }
    found
}

fn mark<'a>(open: &'a mut Option<Mark>, path: &str) -> &'a mut Mark {
    open.get_or_insert_with(|| Mark {
        path: path.to_owned(),
        test: String::new(),
        faults: Vec::new(),
        conformance: Vec::new(),
    })
}

fn list(words: &str, by: char) -> impl Iterator<Item = String> + '_ {
    words.split(by).map(|word| word.trim().trim_end_matches('.').to_owned()).filter(|word| !word.is_empty())
}

fn name_of(line: &str) -> Option<String> {
    let (_, rest) = line.split_once("fn ")?;
    Some(rest.split(['(', '<']).next()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "
    /// What it shows.
    ///
    /// Fault: C01, M03.
    /// Conformance: okx chaining; okx heartbeat
    #[tokio::test]
    async fn a_dead_line_is_found() {}

    /// Fault: C02
    fn a_helper() {}

    /// Fault: Q99
    #[test]
    fn another() {}
";

    #[test]
    fn marks_of_tests_are_found_and_those_of_helpers_are_not() {
        let found = find("tests/x.rs", TEXT);
        assert_eq!(
            found.iter().map(|mark| mark.test.as_str()).collect::<Vec<_>>(),
            ["a_dead_line_is_found", "another"]
        );
        assert_eq!(found[0].faults, ["C01", "M03"]);
        let pairs = [("okx", "chaining"), ("okx", "heartbeat")].map(|(v, c)| (v.to_owned(), c.to_owned()));
        assert_eq!(found[0].conformance, pairs);
        assert_eq!((found[0].unknown().len(), found[1].unknown().len()), (0, 1));
    }
}
