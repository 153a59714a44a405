//! Cargo manifests, as far as the rules need them.

use std::collections::BTreeSet;

use crate::Tree;

/// One crate of the workspace.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// The manifest's path.
    pub path: String,
    /// The crate's folder, with a `/` at its end.
    pub folder: String,
    /// The crate's name.
    pub name: String,
    /// `[dependencies]` and `[build-dependencies]`.
    pub dependencies: BTreeSet<String>,
    /// `[dev-dependencies]`.
    pub dev_dependencies: BTreeSet<String>,
}

impl Manifest {
    /// Every crate of the tree, by path.
    pub fn all(tree: &Tree) -> Vec<Self> {
        tree.texts()
            .filter(|(path, _)| path.ends_with("/Cargo.toml"))
            .filter_map(|(path, text)| Self::read(path, text))
            .collect()
    }

    fn read(path: &str, text: &str) -> Option<Self> {
        let table: toml::Table = text.parse().ok()?;
        let mut dependencies = keys(&table, "dependencies");
        dependencies.extend(keys(&table, "build-dependencies"));
        Some(Self {
            path: path.to_owned(),
            folder: path.trim_end_matches("Cargo.toml").to_owned(),
            name: table.get("package")?.get("name")?.as_str()?.to_owned(),
            dependencies,
            dev_dependencies: keys(&table, "dev-dependencies"),
        })
    }

    /// The crate's own Rust files: those of crates inside its folder are theirs.
    pub fn sources<'t>(&self, tree: &'t Tree) -> Vec<(&'t str, &'t str)> {
        let nested: Vec<String> = Self::all(tree)
            .into_iter()
            .map(|other| other.folder)
            .filter(|folder| *folder != self.folder && folder.starts_with(&self.folder))
            .collect();
        tree.rust()
            .filter(|(path, _)| path.starts_with(&self.folder))
            .filter(|(path, _)| !nested.iter().any(|folder| path.starts_with(folder)))
            .collect()
    }
}

/// The names that the workspace gives versions to.
pub fn workspace_dependencies(tree: &Tree) -> BTreeSet<String> {
    tree.text("Cargo.toml")
        .and_then(|text| text.parse::<toml::Table>().ok())
        .and_then(|table| table.get("workspace")?.as_table().cloned())
        .map(|workspace| keys(&workspace, "dependencies"))
        .unwrap_or_default()
}

fn keys(table: &toml::Table, section: &str) -> BTreeSet<String> {
    table
        .get(section)
        .and_then(toml::Value::as_table)
        .map(|section| section.keys().cloned().collect())
        .unwrap_or_default()
}
