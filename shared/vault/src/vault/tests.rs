//! What a sealed secret must withstand.

use proptest::prelude::*;
use secrecy::ExposeSecret;

use super::*;

const CANARY: &str = "sk-canary-3f9a1c77e2b04d58-0042";

fn context() -> SealContext {
    SealContext {
        owner: OwnerId(Uuid::from_u128(1)),
        resource: Uuid::from_u128(2),
        field: "secret",
    }
}

fn vault() -> Vault {
    Vault::new(&MasterKey::generate().unwrap(), &[])
}

fn sealed(vault: &Vault) -> Sealed {
    vault.seal(&context(), &SecretString::from(CANARY)).unwrap()
}

#[test]
fn what_was_sealed_opens() {
    let vault = vault();
    let opened = vault.open(&context(), &sealed(&vault)).unwrap();
    assert_eq!(opened.expose_secret(), CANARY);
}

#[test]
fn the_same_secret_never_seals_alike() {
    let vault = vault();
    assert_ne!(sealed(&vault), sealed(&vault));
}

#[test]
fn a_fingerprint_is_one_secret_s_at_one_place_under_one_master_key() {
    let key = MasterKey::generate().unwrap();
    let (vault, again) = (Vault::new(&key, &[]), Vault::new(&key, &[]));
    let print = vault.fingerprint("place", b"secret");
    assert_eq!(
        again.fingerprint("place", b"secret"),
        print,
        "on every node"
    );
    for (place, secret) in [
        ("place", "Secret"),
        ("place", ""),
        ("other", "secret"),
        ("places", "ecret"),
        ("", "placesecret"),
    ] {
        assert_ne!(
            vault.fingerprint(place, secret.as_bytes()),
            print,
            "{place} {secret}"
        );
    }
    let other = Vault::new(&MasterKey::generate().unwrap(), &[key]);
    assert_ne!(other.fingerprint("place", b"secret"), print);
}

#[test]
fn a_change_of_any_bit_is_noticed() {
    let vault = vault();
    let good = sealed(&vault);
    for at in 0..good.0.len() {
        for bit in 0..8 {
            let mut bad = good.clone();
            bad.0[at] ^= 1 << bit;
            assert!(vault.open(&context(), &bad).is_err(), "byte {at} bit {bit}");
        }
    }
}

#[test]
fn a_cut_or_lengthened_secret_does_not_open() {
    let vault = vault();
    let good = sealed(&vault);
    for length in 0..good.0.len() {
        let bad = Sealed(good.0[..length].to_vec());
        assert!(vault.open(&context(), &bad).is_err(), "{length} bytes");
    }
    let mut longer = good;
    longer.0.push(0);
    assert_eq!(vault.open(&context(), &longer).unwrap_err(), Error::Refused);
}

#[test]
fn it_opens_for_its_own_place_only() {
    let vault = vault();
    let sealed = sealed(&vault);
    let elsewhere = [
        SealContext {
            owner: OwnerId(Uuid::from_u128(9)),
            ..context()
        },
        SealContext {
            resource: Uuid::from_u128(9),
            ..context()
        },
        SealContext {
            field: "private_key",
            ..context()
        },
        SealContext {
            owner: OwnerId(context().resource),
            resource: context().owner.0,
            ..context()
        },
    ];
    for place in elsewhere {
        assert_eq!(vault.open(&place, &sealed).unwrap_err(), Error::Refused);
    }
}

#[test]
fn an_older_key_still_opens_and_an_unknown_one_is_named() {
    let (old, new) = (
        MasterKey::generate().unwrap(),
        MasterKey::generate().unwrap(),
    );
    let sealed = sealed(&Vault::new(&old, &[]));
    let rotated = Vault::new(&new, std::slice::from_ref(&old));
    assert_eq!(
        rotated.open(&context(), &sealed).unwrap().expose_secret(),
        CANARY
    );
    assert!(rotated.is_outdated(&sealed));
    assert!(!rotated.is_outdated(&super::tests::sealed(&rotated)));
    assert_eq!(
        Vault::new(&new, &[]).open(&context(), &sealed).unwrap_err(),
        Error::UnknownKey(old.id())
    );
}

#[test]
fn a_newer_version_is_named() {
    let vault = vault();
    let mut newer = sealed(&vault);
    newer.0[0] = 2;
    assert_eq!(
        vault.open(&context(), &newer).unwrap_err(),
        Error::UnknownVersion(2)
    );
}

#[test]
fn an_endless_secret_is_refused() {
    let vault = vault();
    let long = SecretString::from("x".repeat(MAX_SECRET_BYTES + 1));
    assert_eq!(
        vault.seal(&context(), &long).unwrap_err(),
        Error::TooLong(MAX_SECRET_BYTES + 1)
    );
    let longest = SecretString::from("x".repeat(MAX_SECRET_BYTES));
    let sealed = vault.seal(&context(), &longest).unwrap();
    assert!(vault.open(&context(), &sealed).is_ok());
}

#[test]
fn nothing_shows_the_secret() {
    let vault = vault();
    let masked = vault
        .seal_masked(&context(), &SecretString::from(CANARY))
        .unwrap();
    let shown = format!(
        "{vault:?} {masked:?} {:?}",
        vault.open(&context(), &masked.sealed)
    );
    assert!(!shown.contains("canary-3f9a"), "{shown}");
    let bytes = &masked.sealed.0;
    assert!(
        !bytes
            .windows(8)
            .any(|part| CANARY.as_bytes().windows(8).any(|c| c == part))
    );
}

proptest! {
    #[test]
    fn any_text_comes_back(text in ".{0,200}") {
        let vault = vault();
        let sealed = vault.seal(&context(), &SecretString::from(text.as_str())).unwrap();
        let opened = vault.open(&context(), &sealed).unwrap();
        prop_assert_eq!(opened.expose_secret(), text.as_str());
    }

    #[test]
    fn any_bytes_give_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(vault().open(&context(), &Sealed(bytes)).is_err());
    }
}
