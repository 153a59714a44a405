//! How a process is let in to NATS.

use super::*;

#[test]
fn who_logs_in_to_nats_is_said_once() {
    let with = |more: &[(&str, &str)]| {
        let mut variables = vec![
            ("FOLDGATE_NATS_URL", "nats://a:4222"),
            ("FOLDGATE_MASTER_KEY", MASTER),
        ];
        variables.extend(more);
        Settings::load(
            Role::DataPlane,
            &environment(Sources::default(), &variables),
        )
    };
    let creds = ("FOLDGATE_NATS_CREDENTIALS_FILE", "node.creds");
    let nkey = ("FOLDGATE_NATS_NKEY_FILE", "node.nk");
    let nats = with(&[creds, ("FOLDGATE_NATS_CA_FILE", "ca.pem")]).unwrap();
    let nats = nats.settings.nats;
    assert_eq!(nats.credentials_file, Some(PathBuf::from("node.creds")));
    assert_eq!(nats.ca_file, Some(PathBuf::from("ca.pem")));
    assert!(with(&[nkey]).is_ok());
    let both = with(&[creds, nkey]).unwrap_err().0;
    assert_eq!(
        both,
        ["nats.credentials_file and nats.nkey_file: only one of them may be set"]
    );
    for url in ["nats://user:pass@a:4222", "nats://token@a:4222"] {
        let twice = with(&[nkey, ("FOLDGATE_NATS_URL", url)]).unwrap_err().0;
        assert_eq!(twice, ["nats.nkey_file: nats.url holds credentials too"]);
    }
    let alone = environment(Sources::default(), &[creds]);
    assert_eq!(
        faults(Role::Standalone, &alone),
        ["nats.credentials_file: nats.url is not set"]
    );
}
