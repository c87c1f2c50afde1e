//! Rule `links`: README.md and ARCHITECTURE.md stand at the root, and every relative link in a
//! Markdown file leads to something.

use super::finding::Finding;
use super::tree::Tree;
use std::path::Path;

/// Checks every Markdown file.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let required = ["README.md", "ARCHITECTURE.md"].into_iter().filter(|path| tree.text(path).is_none());
    let mut findings: Vec<_> = required.map(|path| Finding::in_file(path, "links", "is missing")).collect();
    for (path, text) in tree.texts.iter().filter(|(path, _)| path.ends_with(".md")) {
        let folder = tree.root.join(path);
        let folder = folder.parent().unwrap_or(Path::new("."));
        for (line, target) in relative_links(text) {
            if !folder.join(target).exists() {
                findings.push(Finding::at(path, line, "links", format!("`{target}` does not exist")));
            }
        }
    }
    findings
}

/// Line (from 1) and path of every `](path)` that is neither an address nor a place in the same file.
fn relative_links(text: &str) -> Vec<(usize, &str)> {
    let mut links = Vec::new();
    for (at, line) in text.lines().enumerate() {
        for rest in line.split("](").skip(1) {
            let target = rest.split([')', '#', ' ']).next().unwrap_or("");
            if !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:") {
                links.push((at + 1, target));
            }
        }
    }
    links
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_relative_links_are_followed() {
        let text = "[a](docs/a.md) [b](https://x.y/z)\n[c](#here) ![d](d.png) [e](f.md#g)\n";
        assert_eq!(relative_links(text), [(1, "docs/a.md"), (2, "d.png"), (2, "f.md")]);
    }
}
