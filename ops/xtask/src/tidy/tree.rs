//! The files that the rules look at.

use super::manifest::Manifest;
use super::source::Source;
use std::io;
use std::path::{Path, PathBuf};

/// Texts whose white space is checked; recordings and other data are left alone.
const TEXTS: [&str; 6] = ["rs", "toml", "md", "sh", "yml", "run"];
/// Folders that hold no source of ours.
const SKIPPED: [&str; 3] = ["target", ".git", "corpus"];

/// A tree, read once.
#[derive(Debug)]
pub struct Tree {
    /// Where it stands.
    pub root: PathBuf,
    /// Its Rust files.
    pub sources: Vec<Source>,
    /// Its manifests.
    pub manifests: Vec<Manifest>,
    /// Every text, with its path relative to the root.
    pub texts: Vec<(String, String)>,
}

impl Tree {
    /// Reads the tree at `root`.
    ///
    /// # Errors
    /// When a folder or file cannot be read, or a manifest is not TOML.
    pub fn read(root: &Path) -> io::Result<Self> {
        let mut texts = Vec::new();
        walk(root, root, &mut texts)?;
        texts.sort();
        let of = |suffix: &'static str| texts.iter().filter(move |(path, _)| path.ends_with(suffix));
        let sources = of(".rs").map(|(path, text)| Source::new(path, text)).collect();
        let manifests = of("Cargo.toml")
            .map(|(path, text)| Manifest::new(path, text).map_err(|why| io::Error::other(format!("{path}: {why}"))))
            .collect::<io::Result<_>>()?;
        Ok(Self { root: root.to_owned(), sources, manifests, texts })
    }

    /// The text at a path.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.texts.iter().find(|(at, _)| at == path).map(|(_, text)| text.as_str())
    }
}

fn walk(root: &Path, folder: &Path, texts: &mut Vec<(String, String)>) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let kind = path.extension().map_or(name.clone(), |e| e.to_string_lossy().into_owned());
        if path.is_dir() {
            if !SKIPPED.contains(&name.as_str()) {
                walk(root, &path, texts)?;
            }
        } else if TEXTS.contains(&kind.as_str()) {
            let relative = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            texts.push((relative, std::fs::read_to_string(&path)?));
        }
    }
    Ok(())
}
