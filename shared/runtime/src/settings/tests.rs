//! Settings from every source, and everything that may be wrong with them.

mod nats;
mod origins;

use std::collections::BTreeSet;
use std::ffi::OsString;

use secrecy::ExposeSecret;

use super::*;

const MASTER: &str = "S0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0s=";

fn file(text: &str) -> Sources {
    Sources::default().with_file(&ConfigFile {
        path: PathBuf::from("foldgate.toml"),
        text: text.to_owned(),
    })
}

fn environment(sources: Sources, variables: &[(&str, &str)]) -> Sources {
    sources.with_environment(
        variables
            .iter()
            .map(|(name, value)| (OsString::from(name), OsString::from(value))),
    )
}

fn index(path: &str) -> usize {
    TABLE.iter().position(|s| s.path == path).unwrap()
}

fn faults(role: Role, sources: &Sources) -> Vec<String> {
    Settings::load(role, sources).unwrap_err().0
}

#[test]
fn defaults_are_valid_in_every_role() {
    for role in [
        Role::Standalone,
        Role::ControlPlane,
        Role::DataPlane,
        Role::Tool,
    ] {
        let settings = Settings::defaults(role);
        assert_eq!(settings.listen.proxy.to_string(), "127.0.0.1:3000");
        assert_eq!(settings.http.max_body_bytes, ByteSize(32 << 20));
        assert_eq!(
            settings.upstream.allowed_provider_cidrs.is_empty(),
            role != Role::Standalone
        );
    }
    let loaded = Settings::load(Role::Standalone, &Sources::default()).unwrap();
    assert!(loaded.warnings.is_empty());
}

#[test]
fn names_are_unique_and_every_setting_has_a_place_of_its_own() {
    let variables: BTreeSet<String> = TABLE.iter().map(Setting::variable).collect();
    assert_eq!(variables.len(), TABLE.len());
    let mut settings = Settings::defaults(Role::Standalone);
    let places: BTreeSet<usize> = TABLE
        .iter()
        .map(|setting| std::ptr::from_mut((setting.slot)(&mut settings)).addr())
        .collect();
    assert_eq!(places.len(), TABLE.len());
    assert!(variables.contains("FOLDGATE_MASTER_KEY_FILE"));
    assert!(variables.contains("FOLDGATE_ALLOWED_PROVIDER_CIDRS"));
}

#[test]
fn a_flag_beats_the_environment_and_that_the_file_and_that_the_default() {
    let text = "region = \"file\"\nnode = \"file\"\n[proxy]\naddr = \"127.0.0.1:1\"";
    let sources = environment(
        file(text),
        &[
            ("FOLDGATE_REGION", "env"),
            ("FOLDGATE_PROXY_ADDR", "127.0.0.1:2"),
        ],
    )
    .with_flags([(index("proxy.addr"), "127.0.0.1:3".to_owned())]);
    let loaded = Settings::load(Role::Standalone, &sources).unwrap();
    let settings = &loaded.settings;
    assert_eq!(settings.listen.proxy.port(), 3);
    assert_eq!(settings.region.as_str(), "env");
    assert_eq!(settings.node.as_ref().unwrap().as_str(), "file");
    assert_eq!(settings.listen.admin.port(), 3001);
    assert_eq!(loaded.origins[index("proxy.addr")], Origin::Flag);
    assert_eq!(loaded.origins[index("region")], Origin::Environment);
    assert_eq!(loaded.origins[index("node")], Origin::File);
    assert_eq!(loaded.origins[index("admin.addr")], Origin::Default);
}

#[test]
fn the_file_takes_lists_numbers_and_switches() {
    let text = r#"
        access_log = false
        drain_timeout = 5
        allowed_provider_cidrs = ["10.1.0.0/16", "192.0.2.7"]
        upstream = { max_attempts = 3, connect_timeout = "250ms" }
        [nats]
        url = ["nats://a:4222", "nats://u:p@b:4222"]
    "#;
    let settings = Settings::load(Role::Standalone, &file(text))
        .unwrap()
        .settings;
    assert!(!settings.log.access);
    assert_eq!(settings.http.drain_timeout, Duration::from_secs(5));
    assert_eq!(
        settings.upstream.allowed_provider_cidrs[1].to_string(),
        "192.0.2.7/32"
    );
    assert_eq!(settings.upstream.max_attempts, 3);
    assert_eq!(
        settings.upstream.connect_timeout,
        Duration::from_millis(250)
    );
    assert_eq!(
        settings.nats.url.expose(),
        "nats://a:4222,nats://u:p@b:4222"
    );
}

#[test]
fn all_faults_come_together_each_with_its_name() {
    let sources = environment(
        file("regoin = \"x\"\nworker_threads = 1.5\ndrain_timeout = \"soon\""),
        &[
            ("FOLDGATE_ADMIN_ADDR", "nowhere"),
            ("FOLDGATE_OWNER_KEY", "short"),
        ],
    )
    .with_flags([(index("upstream.max_attempts"), "0".to_owned())]);
    let faults = faults(Role::ControlPlane, &sources);
    for expected in [
        "unknown setting `regoin`, did you mean `region`?",
        "worker_threads is neither",
        "drain_timeout: `soon` is not a duration",
        "FOLDGATE_ADMIN_ADDR: `nowhere` is not an address",
        "owner.key: 20 to 512",
        "upstream.max_attempts: 0 is not within",
        "needs FOLDGATE_MASTER_KEY",
        "needs FOLDGATE_NATS_URL",
    ] {
        assert!(
            faults.iter().any(|f| f.contains(expected)),
            "{expected}: {faults:#?}"
        );
    }
    assert_eq!(faults.len(), 8, "{faults:#?}");
}

#[test]
fn a_file_that_is_no_toml_is_named_with_the_line() {
    let faults = faults(Role::Standalone, &file("region = \"a\"\nnode = \n"));
    assert!(
        faults[0].starts_with("foldgate.toml: line 2: "),
        "{faults:?}"
    );
}

#[test]
fn an_unknown_variable_is_a_warning_and_an_empty_one_is_unset() {
    let sources = environment(
        Sources::default(),
        &[
            ("FOLDGATE_NATS_URLS", "nats://a"),
            ("FOLDGATE_SERVICE_HOST", "10.0.0.1"),
            ("FOLDGATE_CONFIG", "x.toml"),
            ("FOLDGATE_REGION", ""),
            ("PATH", "/bin"),
        ],
    );
    let loaded = Settings::load(Role::Standalone, &sources).unwrap();
    assert_eq!(loaded.settings.region.as_str(), "default");
    assert_eq!(
        loaded.warnings,
        [
            "unknown variable FOLDGATE_NATS_URLS, did you mean `FOLDGATE_NATS_URL`?",
            "unknown variable FOLDGATE_SERVICE_HOST"
        ]
    );
}

#[test]
fn what_the_role_needs_is_asked_for() {
    let whole = [
        ("FOLDGATE_NATS_URL", "nats://a:4222"),
        ("FOLDGATE_MASTER_KEY", MASTER),
    ];
    let sources = environment(Sources::default(), &whole);
    for role in [
        Role::ControlPlane,
        Role::DataPlane,
        Role::Standalone,
        Role::Tool,
    ] {
        assert!(Settings::load(role, &sources).is_ok(), "{role:?}");
    }
    let mirror = environment(sources, &[("FOLDGATE_NATS_FOLLOW", "mirror")]);
    assert!(Settings::load(Role::DataPlane, &mirror).is_ok());
    assert_eq!(faults(Role::ControlPlane, &mirror).len(), 1);
}

#[test]
fn things_that_contradict_each_other_are_faults() {
    for (variables, expected) in [
        (
            vec![
                ("FOLDGATE_PROXY_ADDR", "127.0.0.1:7"),
                ("FOLDGATE_STATUS_ADDR", "127.0.0.1:7"),
            ],
            "proxy.addr and status.addr are both",
        ),
        (
            vec![
                ("FOLDGATE_MASTER_KEY", MASTER),
                ("FOLDGATE_MASTER_KEY_FILE", "x"),
            ],
            "only one of them",
        ),
        (
            vec![("FOLDGATE_MASTER_KEY", "AAAA")],
            "master.key: 32 bytes",
        ),
        (
            vec![
                ("FOLDGATE_UPSTREAM_REQUEST_TIMEOUT", "1s"),
                ("FOLDGATE_UPSTREAM_FIRST_BYTE_TIMEOUT", "2s"),
            ],
            "first_byte_timeout is longer",
        ),
        (vec![("FOLDGATE_NATS_REPLICAS", "2")], "1, 3 or 5"),
        (
            vec![("FOLDGATE_NATS_URL", "http://u:hunter22@x")],
            "are not NATS URLs",
        ),
        (
            vec![("FOLDGATE_NATS_MONITOR_URL", "host:8222")],
            "not an HTTP URL",
        ),
        (vec![("FOLDGATE_LOG_LEVEL", "info,=x=y")], "log.level"),
        (vec![("FOLDGATE_REGION", "a b")], "is not a name"),
        (
            vec![("FOLDGATE_TIME_ZONE", "Europe/Atlantis")],
            "is no time zone of the IANA database",
        ),
        (
            vec![("FOLDGATE_USER_MIN_BALANCE", "1e3")],
            "not a decimal amount",
        ),
    ] {
        let faults = faults(
            Role::Standalone,
            &environment(Sources::default(), &variables),
        );
        assert!(
            faults.iter().any(|f| f.contains(expected)),
            "{expected}: {faults:?}"
        );
        assert!(!faults.join(" ").contains("hunter22"));
    }
    let zero = [
        ("FOLDGATE_PROXY_ADDR", "127.0.0.1:0"),
        ("FOLDGATE_STATUS_ADDR", "127.0.0.1:0"),
    ];
    assert!(Settings::load(Role::Standalone, &environment(Sources::default(), &zero)).is_ok());
}

#[test]
fn no_secret_shows() {
    let sources = environment(
        Sources::default(),
        &[
            ("FOLDGATE_OWNER_KEY", "sk-canary-owner-0123456789"),
            ("FOLDGATE_MASTER_KEY", MASTER),
            ("FOLDGATE_MASTER_PREVIOUS_KEYS", MASTER),
            (
                "FOLDGATE_NATS_URL",
                "nats://canary-user:canary-pass@host:4222",
            ),
            (
                "FOLDGATE_NATS_SYSTEM_URL",
                "nats://sys:canary-sys@host:4222",
            ),
        ],
    );
    let loaded = Settings::load(Role::Standalone, &sources).unwrap();
    let shown = format!("{loaded:?} {sources:?} {}", loaded.listing());
    for secret in ["canary", "S0tL"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(loaded.listing().contains("nats://***@host:4222"));
    let key = loaded.settings.owner.key.unwrap();
    assert_eq!(key.expose_secret(), "sk-canary-owner-0123456789");
}

#[test]
fn flags_are_read_from_the_command_line() {
    let command = clap::Command::new("foldgate")
        .args(arguments())
        .subcommand(clap::Command::new("standalone"));
    command.clone().debug_assert();
    let matches = command
        .try_get_matches_from([
            "foldgate",
            "--region",
            "a",
            "standalone",
            "--allow-weak-log",
            "--access-log=false",
        ])
        .unwrap();
    let (_, inner) = matches.subcommand().unwrap();
    let mut sources = Sources::gather(inner);
    sources.faults.clear();
    let settings = Settings::load(Role::Standalone, &sources).unwrap().settings;
    assert_eq!(settings.region.as_str(), "a");
    assert!(settings.nats.allow_weak_log);
    assert!(!settings.log.access);
    assert!(
        !arguments()
            .iter()
            .any(|a| a.get_long() == Some("owner-key"))
    );
}

#[test]
fn the_markdown_table_holds_every_setting() {
    let text = markdown();
    assert_eq!(text.lines().count(), TABLE.len() + 2);
    for setting in TABLE {
        assert!(text.contains(&format!("| `{}` |", setting.path)));
        assert!(!setting.meaning.contains('|'));
    }
}

#[test]
fn durations_and_sizes_read_as_they_show() {
    for shown in ["500ms", "1500ms", "30s", "90s", "5m", "1h"] {
        assert_eq!(
            text::show_duration(text::parse_duration(shown).unwrap()),
            shown
        );
    }
    for shown in ["1000", "64KiB", "32MiB", "1GiB"] {
        assert_eq!(text::show_bytes(text::parse_bytes(shown).unwrap()), shown);
    }
    for wrong in [
        "",
        "s",
        "-1s",
        "1.5s",
        "1d",
        "8000000s",
        "99999999999999999999h",
    ] {
        assert!(text::parse_duration(wrong).is_err(), "{wrong}");
    }
    for wrong in ["", "MiB", "-1", "1MB", "99999999999999999999"] {
        assert!(text::parse_bytes(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn the_default_of_one_timeout_gives_way_to_the_other() {
    let with = |variables: &[(&str, &str)]| {
        Settings::load(
            Role::Standalone,
            &environment(Sources::default(), variables),
        )
    };
    let (request, first_byte) = (
        "FOLDGATE_UPSTREAM_REQUEST_TIMEOUT",
        "FOLDGATE_UPSTREAM_FIRST_BYTE_TIMEOUT",
    );
    let upstream = with(&[(request, "4s")]).unwrap().settings.upstream;
    assert_eq!(upstream.request_timeout, Duration::from_secs(4));
    assert_eq!(upstream.first_byte_timeout, Duration::from_secs(4));
    let upstream = with(&[(first_byte, "20m")]).unwrap().settings.upstream;
    assert_eq!(upstream.request_timeout, Duration::from_mins(20));
    assert_eq!(upstream.first_byte_timeout, Duration::from_mins(20));
    let faults = with(&[(request, "4s"), (first_byte, "5s")]).unwrap_err();
    assert!(faults.to_string().contains("first_byte_timeout is longer"));
}

#[test]
fn a_control_plane_to_ask_is_a_plain_url() {
    let set = |url: &str| environment(Sources::default(), &[("FOLDGATE_ADMIN_URL", url)]);
    let loaded = Settings::load(Role::Tool, &set("https://host:3001/base")).unwrap();
    assert_eq!(loaded.settings.admin_url, "https://host:3001/base");
    for url in ["host:3001", "ftp://host", "http://a:b@host", "http://h?q"] {
        let faults = faults(Role::Tool, &set(url));
        assert!(faults[0].starts_with("admin.url: "), "{url}: {faults:?}");
    }
}
