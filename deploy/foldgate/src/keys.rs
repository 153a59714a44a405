//! The master key: given, in a file, or (standalone) drawn at the first start.

use std::path::Path;

use foldgate_runtime::settings::{Role, Settings};
use foldgate_runtime::{DataDir, data_dir};
use foldgate_vault::{MasterKey, Vault};
use secrecy::{ExposeSecret, SecretString};

use crate::exit::Failure;
use crate::storage::MASTER_KEY_FILE;

/// The vault over the keys that settings name.
///
/// # Errors
/// When a key cannot be read, or is none.
pub(crate) fn vault(settings: &Settings, data: &DataDir) -> Result<Vault, Failure> {
    let master = &settings.master;
    let current = match (&master.key, &master.key_file) {
        (Some(key), _) => read("master.key", key)?,
        (None, Some(path)) => from_file(path)?,
        (None, None) if settings.role == Role::Standalone => own(data)?,
        (None, None) => return Err(Failure::usage("there is no master key")),
    };
    let older: Vec<MasterKey> = master
        .previous_keys
        .iter()
        .map(|key| read("master.previous_keys", key))
        .collect::<Result<_, _>>()?;
    if settings.role == Role::Standalone {
        must_open_what_was_sealed(data, &current, &older)?;
    }
    Ok(Vault::new(&current, &older))
}

/// What standalone sealed under its own key, no other key opens.
fn must_open_what_was_sealed(
    data: &DataDir,
    current: &MasterKey,
    older: &[MasterKey],
) -> Result<(), Failure> {
    let file = data.file(MASTER_KEY_FILE).display().to_string();
    let Some(kept) = data.read(MASTER_KEY_FILE)? else {
        return Ok(());
    };
    let kept = read(&file, &kept)?.id();
    if older.iter().chain([current]).any(|key| key.id() == kept) {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "the master key that the settings give is not the one in {file}, which sealed the secrets \
         of this log; take the setting away, or name the file's key in FOLDGATE_MASTER_PREVIOUS_KEYS, \
         or remove the file if it sealed nothing"
    )))
}

/// The key that this data directory keeps, drawn if there is none yet.
fn own(data: &DataDir) -> Result<MasterKey, Failure> {
    if let Some(kept) = data.read(MASTER_KEY_FILE)? {
        return read(&data.file(MASTER_KEY_FILE).display().to_string(), &kept);
    }
    let drawn = MasterKey::generate().map_err(Failure::io)?;
    let text = drawn.to_base64();
    data.write(MASTER_KEY_FILE, text.expose_secret().as_bytes())?;
    tracing::info!(file = %data.file(MASTER_KEY_FILE).display(), "drew a master key; keep a copy of it");
    Ok(drawn)
}

fn from_file(path: &Path) -> Result<MasterKey, Failure> {
    let shown = path.display().to_string();
    let text = data_dir::read_text(path)?
        .ok_or_else(|| Failure::usage(format!("master.key_file: {shown} does not exist")))?;
    read(&shown, &text)
}

fn read(place: &str, text: &SecretString) -> Result<MasterKey, Failure> {
    MasterKey::from_secret(text).map_err(|error| Failure::usage(format!("{place}: {error}")))
}

#[cfg(test)]
mod tests;
