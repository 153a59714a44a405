//! Regular expressions in values. They must compile, and all those of one value
//! together in little memory and time, as decisions wait for it.

use regex_automata::nfa::thompson::{Compiler, Config, WhichCaptures};
use regex_automata::util::syntax;

use super::Fault;

/// The longest expression, in characters.
pub const MAX_REGEX_CHARS: usize = 4096;

/// The most memory that the expressions of one value take, compiled, in bytes.
pub const MAX_REGEX_MEMORY: usize = 4 * 1024 * 1024;

/// Checks the expressions of one value, each by where it stands.
///
/// # Errors
/// The first that is none, or all of them where they take too much memory.
pub(super) fn check<'v>(all: impl Iterator<Item = (String, &'v str)>) -> Result<(), Fault> {
    let mut parsed = Vec::new();
    let mut first = None;
    for (path, regex) in all {
        let hir = syntax::parse(regex).map_err(|error| {
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default();
            let why = last.trim_start_matches("error: ");
            Fault::at(&path, format!("not a regular expression: {why}"))
        })?;
        parsed.push(hir);
        first.get_or_insert(path);
    }
    let Some(first) = first else {
        return Ok(());
    };
    let config = Config::new()
        .nfa_size_limit(Some(MAX_REGEX_MEMORY))
        .which_captures(WhichCaptures::Implicit);
    let built = Compiler::new()
        .configure(config)
        .build_many_from_hir(&parsed);
    match built {
        Ok(_) => Ok(()),
        Err(error) if error.size_limit().is_some() => {
            let problem = format!(
                "the regular expressions from here on take more than {} MiB",
                MAX_REGEX_MEMORY / 1024 / 1024
            );
            Err(Fault::at(first, problem))
        }
        Err(error) => Err(Fault::at(first, error.to_string())),
    }
}
