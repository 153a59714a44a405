//! The settings as tables: README's, and the one `foldgate settings` prints.

use std::fmt::Write;

use super::{DefaultText, Loaded, Origin, Role, Setting, TABLE};

/// The table README holds; a test compares them.
pub fn markdown() -> String {
    let mut text = String::from(
        "| `foldgate.toml` | environment | flag | default | meaning |\n|---|---|---|---|---|\n",
    );
    for setting in TABLE {
        let flag = setting
            .flag()
            .map_or_else(|| "none (secret)".to_owned(), |flag| format!("`--{flag}`"));
        let default = match default_text(setting) {
            text if text == NONE => text,
            text => format!("`{text}`"),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "| `{}` | `{}` | {flag} | {default} | {} |",
            setting.path,
            setting.variable(),
            setting.meaning
        );
    }
    text
}

/// Shown where a default is empty.
const NONE: &str = "none";

pub(super) fn default_text(setting: &Setting) -> String {
    let shown = |text: &str| if text.is_empty() { NONE } else { text }.to_owned();
    match setting.default {
        DefaultText::Always(text) => shown(text),
        DefaultText::ByRole { standalone, others } => {
            format!(
                "{}: {}; else {}",
                Role::Standalone.as_str(),
                shown(standalone),
                shown(others)
            )
        }
    }
}

impl Loaded {
    /// Every setting with its value and where it was taken from; secrets masked.
    pub fn listing(&self) -> String {
        let mut settings = self.settings.clone();
        let width = TABLE
            .iter()
            .map(|setting| setting.path.len())
            .max()
            .unwrap_or(0);
        let mut text = String::new();
        for (setting, origin) in TABLE.iter().zip(&self.origins) {
            let value = (setting.slot)(&mut settings).show();
            let shown = if value.is_empty() { "-" } else { &value };
            let origin = match origin {
                Origin::Default => String::new(),
                Origin::File => "  (file)".to_owned(),
                Origin::Environment => format!("  ({})", setting.variable()),
                Origin::Flag => "  (flag)".to_owned(),
            };
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{:width$}  {shown}{origin}", setting.path);
        }
        text
    }
}
