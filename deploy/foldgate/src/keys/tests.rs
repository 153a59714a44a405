//! Where the master key comes from.

use super::*;

fn given(text: &str) -> Settings {
    let mut settings = Settings::defaults(Role::DataPlane);
    settings.master.key = Some(SecretString::from(text));
    settings
}

#[test]
fn standalone_draws_a_key_once_and_keeps_it() {
    let folder = tempfile::tempdir().unwrap();
    let data = DataDir::open(folder.path()).unwrap();
    let settings = Settings::defaults(Role::Standalone);
    let first = vault(&settings, &data).unwrap().current_key();
    assert_eq!(vault(&settings, &data).unwrap().current_key(), first);
}

#[test]
fn a_given_key_wins_and_a_file_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let data = DataDir::open(folder.path()).unwrap();
    let key = MasterKey::generate().unwrap();
    let text = key.to_base64();
    let settings = given(text.expose_secret());
    assert_eq!(vault(&settings, &data).unwrap().current_key(), key.id());

    data.write(
        "elsewhere",
        format!("{}\n", text.expose_secret()).as_bytes(),
    )
    .unwrap();
    let mut by_file = Settings::defaults(Role::ControlPlane);
    by_file.master.key_file = Some(data.file("elsewhere"));
    assert_eq!(vault(&by_file, &data).unwrap().current_key(), key.id());
    assert!(!data.file(MASTER_KEY_FILE).exists());
}

#[test]
fn without_a_key_a_plane_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let data = DataDir::open(folder.path()).unwrap();
    assert!(vault(&Settings::defaults(Role::DataPlane), &data).is_err());
    let mut missing = Settings::defaults(Role::DataPlane);
    missing.master.key_file = Some(data.file("nothing"));
    assert!(vault(&missing, &data).is_err());
    data.write(MASTER_KEY_FILE, b"not a key").unwrap();
    assert!(vault(&Settings::defaults(Role::Standalone), &data).is_err());
}

#[test]
fn standalone_refuses_another_key_than_the_one_it_sealed_with() {
    let folder = tempfile::tempdir().unwrap();
    let data = DataDir::open(folder.path()).unwrap();
    let own = vault(&Settings::defaults(Role::Standalone), &data).unwrap();
    let kept = data.read(MASTER_KEY_FILE).unwrap().unwrap();
    let with = |key: &SecretString, older: &[&SecretString]| {
        let mut settings = Settings::defaults(Role::Standalone);
        settings.master.key = Some(key.clone());
        settings.master.previous_keys = older.iter().map(|key| (*key).clone()).collect();
        vault(&settings, &data)
    };
    let other = MasterKey::generate().unwrap().to_base64();
    assert!(with(&other, &[]).is_err());
    assert_eq!(with(&kept, &[]).unwrap().current_key(), own.current_key());
    // A rotation names the old one.
    assert!(with(&other, &[&kept]).is_ok());
}
