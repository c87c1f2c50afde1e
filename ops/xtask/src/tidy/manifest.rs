//! One `Cargo.toml`: the crate's name and what it depends on.

use toml::{Table, Value};

/// One `Cargo.toml`.
#[derive(Debug)]
pub struct Manifest {
    /// Path relative to the root.
    pub path: String,
    /// The crate's name; empty for a bare workspace.
    pub name: String,
    table: Table,
}

impl Manifest {
    /// Reads one.
    ///
    /// # Errors
    /// The parser's message.
    pub fn new(path: &str, text: &str) -> Result<Self, String> {
        let table: Table = text.parse().map_err(|why: toml::de::Error| why.to_string())?;
        let name = table.get("package").and_then(|package| package.get("name")).and_then(Value::as_str);
        Ok(Self { path: path.to_owned(), name: name.unwrap_or("").to_owned(), table })
    }

    /// Names of dependencies of every kind, targets included. With `tests`, those of tests too.
    pub fn dependencies(&self, tests: bool) -> Vec<String> {
        let mut names = of_section(&self.table, tests);
        if let Some(targets) = self.table.get("target").and_then(Value::as_table) {
            names.extend(targets.values().filter_map(Value::as_table).flat_map(|target| of_section(target, tests)));
        }
        names
    }

    /// Names in `[workspace.dependencies]`.
    pub fn workspace_dependencies(&self) -> Vec<String> {
        self.table.get("workspace").and_then(|workspace| workspace.get("dependencies")).map(keys).unwrap_or_default()
    }
}

fn of_section(table: &Table, tests: bool) -> Vec<String> {
    let sections: &[&str] = if tests {
        &["dependencies", "build-dependencies", "dev-dependencies"]
    } else {
        &["dependencies", "build-dependencies"]
    };
    sections.iter().filter_map(|name| table.get(*name)).flat_map(keys).collect()
}

fn keys(value: &Value) -> Vec<String> {
    value.as_table().map(|table| table.keys().cloned().collect()).unwrap_or_default()
}
