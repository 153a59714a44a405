//! Servers that are guarded: TLS by an authority of one's own, nkeys, JWTs, and
//! answers that only their own role may hear.

use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use foldgate_log::jetstream::{Access, Init, Options, init};
use foldgate_log::{Error, EventLog, JetStream};
use foldgate_proto::Revision;
use nkeys::KeyPair;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::support::{Chain, LIMIT, NatsServer, Shape, eventually};

/// The log can be made, written and read that way.
async fn works(options: Options) {
    tokio::time::timeout(LIMIT, init(&options, &Init::default()))
        .await
        .expect("no answer")
        .unwrap();
    let log = JetStream::open(options).await.unwrap();
    log.check().await.unwrap();
    let mut chain = Chain::behind(&log).await;
    let expected = chain.expected();
    log.append(expected, &chain.group(3)).await.unwrap();
    assert_eq!(log.read(Revision(1), 3).await.unwrap().len(), 3);
    assert_eq!(log.audit(&mut |_| ()).await.unwrap().fault(), None);
}

/// There is no connection that way, and this is why.
async fn refused(options: Options, why: &str) {
    let log = JetStream::open(options).await.unwrap();
    eventually(why, || async {
        let said = log.disconnected()?;
        said.contains(why).then_some(())
    })
    .await;
    assert!(log.connected(Duration::from_millis(200)).await.is_err());
}

/// A certificate authority, and a certificate of it for this machine.
fn authority(dir: &Path, name: &str) -> (PathBuf, [PathBuf; 2]) {
    let write = |kind: &str, text: String| {
        let path = dir.join(format!("{name}-{kind}.pem"));
        std::fs::write(&path, text).unwrap();
        path
    };
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, name);
    let key = rcgen::KeyPair::generate().unwrap();
    let ca = write("ca", params.self_signed(&key).unwrap().pem());
    let issuer = rcgen::Issuer::new(params, key);
    let key = rcgen::KeyPair::generate().unwrap();
    let own = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let cert = own.signed_by(&key, &issuer).unwrap().pem();
    (ca, [write("cert", cert), write("key", key.serialize_pem())])
}

fn trusting(server: &NatsServer, ca: &Path) -> Options {
    Options {
        access: Access {
            ca_file: Some(ca.to_owned()),
            ..Access::default()
        },
        ..server.options()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_is_trusted_by_the_authority_that_is_named() {
    let dir = TempDir::new().unwrap();
    let (ca, files) = authority(dir.path(), "ours");
    let (other, _) = authority(dir.path(), "theirs");
    let server = NatsServer::shaped(&Shape {
        tls: Some(files),
        ..Shape::default()
    });
    works(trusting(&server, &ca)).await;
    let by_system = Options {
        monitor_url: None,
        system_url: Some(server.system_url()),
        ..trusting(&server, &ca)
    };
    JetStream::open(by_system)
        .await
        .unwrap()
        .check()
        .await
        .unwrap();
    refused(trusting(&server, &other), "TLS certificate").await;
    refused(server.options(), "TLS certificate").await;
    // And a server that offers no TLS is not spoken to without.
    let plain = NatsServer::start();
    refused(trusting(&plain, &ca), "TLS certificate").await;
}

fn by_nkey(server: &NatsServer, file: &Path) -> Options {
    Options {
        urls: format!("nats://127.0.0.1:{}", server.port),
        access: Access {
            nkey_file: Some(file.to_owned()),
            ..Access::default()
        },
        ..server.options()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_may_be_an_nkey() {
    let (user, stranger) = (KeyPair::new_user(), KeyPair::new_user());
    let server = NatsServer::shaped(&Shape {
        accounts: Some(format!(
            "accounts {{ FOLDGATE: {{ jetstream: enabled, users: [ {{ nkey: {} }} ] }} }}",
            user.public_key()
        )),
        ..Shape::default()
    });
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("seed");
    // As an editor leaves it.
    std::fs::write(&file, user.seed().unwrap() + "\n").unwrap();
    works(by_nkey(&server, &file)).await;
    std::fs::write(&file, stranger.seed().unwrap()).unwrap();
    refused(by_nkey(&server, &file), "authorization violation").await;
}

/// A JWT as `nsc` makes them.
fn jwt(issuer: &KeyPair, subject: &KeyPair, name: &str, nats: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let head = part(&json!({ "typ": "JWT", "alg": "ed25519-nkey" }));
    let body = part(&json!({
        "jti": name, "iat": 1_700_000_000, "name": name,
        "iss": issuer.public_key(), "sub": subject.public_key(), "nats": nats,
    }));
    let signed = format!("{head}.{body}");
    let signature = URL_SAFE_NO_PAD.encode(issuer.sign(signed.as_bytes()).unwrap());
    format!("{signed}.{signature}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_may_be_a_jwt_with_its_seed() {
    let (operator, user) = (KeyPair::new_operator(), KeyPair::new_user());
    let (account, system) = (KeyPair::new_account(), KeyPair::new_account());
    let free = json!({
        "subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": true,
        "conn": -1, "leaf": -1, "mem_storage": -1, "disk_storage": -1, "streams": -1,
        "consumer": -1,
    });
    let limits = json!({ "type": "account", "version": 2, "limits": free });
    let plain = json!({ "type": "account", "version": 2, "limits": {
        "subs": -1, "data": -1, "payload": -1, "conn": -1, "leaf": -1,
    }});
    let root = json!({ "type": "operator", "version": 2 });
    let server = NatsServer::shaped(&Shape {
        accounts: Some(format!(
            "operator: {}\nsystem_account: {}\nresolver: MEMORY\nresolver_preload: {{ {}: {}, {}: {} }}",
            jwt(&operator, &operator, "operator", &root),
            system.public_key(),
            account.public_key(),
            jwt(&operator, &account, "foldgate", &limits),
            system.public_key(),
            jwt(&operator, &system, "sys", &plain),
        )),
        ..Shape::default()
    });
    let claims = json!({ "type": "user", "version": 2, "subs": -1, "data": -1, "payload": -1 });
    let token = jwt(&account, &user, "control", &claims);
    let creds = |seed: &str| {
        format!(
            "-----BEGIN NATS USER JWT-----\n{token}\n------END NATS USER JWT------\n\n\
             -----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n"
        )
    };
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("control.creds");
    let options = || Options {
        urls: format!("nats://127.0.0.1:{}", server.port),
        access: Access {
            credentials_file: Some(file.clone()),
            ..Access::default()
        },
        ..server.options()
    };
    std::fs::write(&file, creds(&user.seed().unwrap())).unwrap();
    works(options()).await;
    std::fs::write(&file, creds(&KeyPair::new_user().seed().unwrap())).unwrap();
    refused(options(), "authorization violation").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_cannot_be_used_are_refused_at_once_without_showing_them() {
    let dir = TempDir::new().unwrap();
    let bad = dir.path().join("bad");
    std::fs::write(&bad, "canary-secret").unwrap();
    let absent = dir.path().join("absent");
    let ways = [&bad, &absent].map(|file| {
        let file = Some(file.clone());
        [
            Access {
                ca_file: file.clone(),
                ..Access::default()
            },
            Access {
                credentials_file: file.clone(),
                ..Access::default()
            },
            Access {
                nkey_file: file,
                ..Access::default()
            },
        ]
    });
    let both = Access {
        credentials_file: Some(bad.clone()),
        nkey_file: Some(bad.clone()),
        ..Access::default()
    };
    let own = Access {
        nkey_file: Some(bad.clone()),
        ..Access::default()
    };
    let mut tried: Vec<(&str, Access)> = ways
        .into_iter()
        .flatten()
        .map(|access| ("nats://127.0.0.1:1", access))
        .collect();
    tried.push(("nats://127.0.0.1:1", both));
    tried.push(("nats://user:secret@127.0.0.1:1", own));
    for (urls, access) in tried {
        let options = Options {
            urls: urls.to_owned(),
            access: access.clone(),
            ..Options::default()
        };
        let error = JetStream::open(options).await.map(drop).unwrap_err();
        assert!(matches!(error, Error::Invalid(_)), "{access:?}: {error:?}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_come_where_only_their_own_role_may_hear_them() {
    let hears = |inbox: &str| {
        format!(
            "accounts {{ FOLDGATE: {{ jetstream: enabled, users: [ {{ user: control, \
             password: \"c@p:w\", permissions: {{ subscribe: \"{inbox}.>\" }} }} ] }} }}"
        )
    };
    let server = NatsServer::shaped(&Shape {
        accounts: Some(hears("_INBOX_control")),
        ..Shape::default()
    });
    let own = Options {
        access: Access {
            inbox: "_INBOX_control".to_owned(),
            ..Access::default()
        },
        ..server.options()
    };
    works(own).await;
    let log = JetStream::open(server.options()).await.unwrap();
    let why = log.head().await.unwrap_err();
    assert!(matches!(why, Error::Unavailable(_)), "{why:?}");
    let trouble = log.trouble().unwrap();
    assert!(trouble.reason.contains("_INBOX."), "{}", trouble.reason);
}
