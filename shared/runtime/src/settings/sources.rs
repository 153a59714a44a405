//! Where settings come from: a file, the environment and the command line,
//! gathered here and judged together afterwards.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, ArgMatches};

use super::edit_distance::nearest;
use super::{Origin, Setting, TABLE};

/// The file that is read when nobody names one.
const DEFAULT_FILE: &str = "foldgate.toml";

/// Names the file in the environment.
const FILE_VARIABLE: &str = "FOLDGATE_CONFIG";

/// The longest settings file, in bytes; there are some fifty settings.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// Every setting somebody set, as text.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    given: Vec<Given>,
    pub(super) faults: Vec<String>,
    pub(super) warnings: Vec<String>,
}

/// A settings file's text.
#[derive(Clone)]
pub struct ConfigFile {
    /// Where it stands, for messages.
    pub path: PathBuf,
    /// What it says.
    pub text: String,
}

#[derive(Clone)]
struct Given {
    index: usize,
    origin: Origin,
    text: String,
}

/// One set setting.
pub(super) struct GivenRef<'a> {
    pub(super) index: usize,
    pub(super) origin: Origin,
    pub(super) text: &'a str,
}

impl GivenRef<'_> {
    /// The name under which it was set.
    pub(super) fn name(&self) -> String {
        let setting = &TABLE[self.index];
        match self.origin {
            Origin::Flag => format!("--{}", setting.flag().unwrap_or_default()),
            Origin::Environment => setting.variable(),
            Origin::File | Origin::Default => setting.path.to_owned(),
        }
    }
}

/// The arguments that set settings, for every command that takes them.
pub fn arguments() -> Vec<Arg> {
    let config = Arg::new("config")
        .long("config")
        .value_name("PATH")
        .global(true)
        .help_heading("Settings")
        .help(format!(
            "settings file [env: {FILE_VARIABLE}] [default: ./{DEFAULT_FILE} if there is one]"
        ));
    TABLE
        .iter()
        .filter_map(argument)
        .fold(vec![config], |mut all, argument| {
            all.push(argument);
            all
        })
}

fn argument(setting: &'static Setting) -> Option<Arg> {
    let default = super::listing::default_text(setting);
    let help = format!(
        "{} [env: {}] [default: {default}]",
        setting.meaning,
        setting.variable()
    );
    let argument = Arg::new(setting.path)
        .long(setting.flag()?)
        .value_name("VALUE")
        .action(ArgAction::Set)
        .global(true)
        .hide_short_help(true)
        .help_heading("Settings")
        .help(help);
    let is_switch = matches!(
        setting.default,
        super::DefaultText::Always("true" | "false")
    );
    Some(if is_switch {
        argument
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true")
    } else {
        argument
    })
}

impl Sources {
    /// Reads the process's environment, the settings file and the flags.
    pub fn gather(matches: &ArgMatches) -> Self {
        let named = matches
            .get_one::<String>("config")
            .map(PathBuf::from)
            .or_else(|| {
                std::env::var_os(FILE_VARIABLE)
                    .filter(|p| !p.is_empty())
                    .map(PathBuf::from)
            });
        let mut sources = Self::default();
        match read_file(named.as_deref()) {
            Ok(Some(file)) => sources = sources.with_file(&file),
            Ok(None) => {}
            Err(fault) => sources.faults.push(fault),
        }
        let flags = TABLE.iter().enumerate().filter_map(|(index, setting)| {
            setting.flag()?;
            let text = matches.get_one::<String>(setting.path)?;
            Some((index, text.clone()))
        });
        sources
            .with_environment(std::env::vars_os())
            .with_flags(flags)
    }

    /// Adds what a settings file says.
    #[must_use]
    pub fn with_file(mut self, file: &ConfigFile) -> Self {
        let place = file.path.display();
        let table: toml::Table = match file.text.parse() {
            Ok(table) => table,
            Err(error) => {
                let line = error.span().map_or(0, |span| {
                    file.text[..span.start.min(file.text.len())]
                        .lines()
                        .count()
                        .max(1)
                });
                self.faults
                    .push(format!("{place}: line {line}: {}", error.message()));
                return self;
            }
        };
        let mut leaves = Vec::new();
        flatten("", &table, &mut leaves);
        for (path, value) in leaves {
            let Some(index) = TABLE.iter().position(|setting| setting.path == path) else {
                let hint = nearest(&path, TABLE.iter().map(|s| s.path.to_owned()));
                self.faults.push(format!(
                    "{place}: unknown setting `{path}`{}",
                    did_you_mean(hint)
                ));
                continue;
            };
            match scalar(value) {
                Some(text) => self.add(index, Origin::File, &text),
                None => self.faults.push(format!(
                    "{place}: {path} is neither text, a whole number, true or false, nor a list of those"
                )),
            }
        }
        self
    }

    /// Adds `FOLDGATE_*` variables. An empty one counts as unset, as compose
    /// files write it. An unknown one is a warning and no fault: Kubernetes
    /// injects such variables for a service of that name.
    #[must_use]
    pub fn with_environment(
        mut self,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Self {
        for (name, value) in variables {
            let Some(name) = name.to_str().filter(|name| name.starts_with("FOLDGATE_")) else {
                continue;
            };
            let Some(index) = TABLE.iter().position(|setting| setting.variable() == name) else {
                if name != FILE_VARIABLE {
                    let hint = nearest(name, TABLE.iter().map(Setting::variable));
                    self.warnings
                        .push(format!("unknown variable {name}{}", did_you_mean(hint)));
                }
                continue;
            };
            match value.into_string() {
                Ok(text) if text.is_empty() => {}
                Ok(text) => self.add(index, Origin::Environment, &text),
                Err(_) => self.faults.push(format!("{name}: not valid UTF-8")),
            }
        }
        self
    }

    /// Adds flags: position in [`TABLE`] and text.
    #[must_use]
    pub fn with_flags(mut self, flags: impl IntoIterator<Item = (usize, String)>) -> Self {
        for (index, text) in flags {
            self.add(index, Origin::Flag, &text);
        }
        self
    }

    /// The weakest source first, so that the strongest has the last word.
    pub(super) fn in_order(&self) -> impl Iterator<Item = GivenRef<'_>> {
        [Origin::File, Origin::Environment, Origin::Flag]
            .into_iter()
            .flat_map(|origin| {
                self.given
                    .iter()
                    .filter(move |given| given.origin == origin)
            })
            .map(|given| GivenRef {
                index: given.index,
                origin: given.origin,
                text: &given.text,
            })
    }

    fn add(&mut self, index: usize, origin: Origin, text: &str) {
        self.given.push(Given {
            index,
            origin,
            text: text.trim().to_owned(),
        });
    }
}

impl std::fmt::Debug for Given {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} from {:?}", TABLE[self.index].path, self.origin)
    }
}

impl std::fmt::Debug for ConfigFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ConfigFile({})", self.path.display())
    }
}

fn read_file(named: Option<&Path>) -> Result<Option<ConfigFile>, String> {
    let path = named.unwrap_or(Path::new(DEFAULT_FILE));
    let describe = |error: std::io::Error| format!("{}: {error}", path.display());
    let length = match std::fs::metadata(path) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && named.is_none() => {
            return Ok(None);
        }
        Err(error) => return Err(describe(error)),
    };
    if length > MAX_FILE_BYTES {
        return Err(format!(
            "{}: longer than {MAX_FILE_BYTES} bytes",
            path.display()
        ));
    }
    let text = std::fs::read_to_string(path).map_err(describe)?;
    Ok(Some(ConfigFile {
        path: path.to_owned(),
        text,
    }))
}

/// The leaves of nested tables under their dotted paths.
fn flatten<'a>(prefix: &str, table: &'a toml::Table, leaves: &mut Vec<(String, &'a toml::Value)>) {
    for (key, value) in table {
        let path = format!("{prefix}{key}");
        match value {
            toml::Value::Table(inner) => flatten(&format!("{path}."), inner, leaves),
            other => leaves.push((path, other)),
        }
    }
}

fn scalar(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(switch) => Some(switch.to_string()),
        toml::Value::Array(items) => items
            .iter()
            .map(|item| item.as_str().map(str::to_owned))
            .collect::<Option<Vec<_>>>()
            .map(|items| items.join(",")),
        _ => None,
    }
}

fn did_you_mean(hint: Option<String>) -> String {
    hint.map_or_else(String::new, |hint| format!(", did you mean `{hint}`?"))
}
