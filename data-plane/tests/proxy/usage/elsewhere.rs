//! Upstreams that have names of their own for models.

use std::collections::BTreeMap;

use foldgate_domain::command::{ConfigFields, ConfigPatch};
use foldgate_proto::{Config, Dialect, Level, NanoDollars};

use super::{CHAT, Meter, json};

const AZURE: &str = "azure-key-0123456789-0123456789";

/// A deployment's name finds no price, and the name in the answer is the base model's.
#[tokio::test]
async fn a_deployment_is_billed_as_the_model_that_was_meant() {
    let mut meter = Meter::new(Dialect::OpenAi).await;
    let mapping = BTreeMap::from([("*".to_owned(), "our-own".to_owned())]);
    let config = ConfigPatch {
        is_named: true,
        fields: ConfigFields::Azure {
            model_mapping: Some(mapping),
            api_versions: None,
        },
    };
    let url = meter.upstream.url();
    meter.rig.key_with(2, (&url, AZURE), |_| config).await;
    let level = Level::new(2).unwrap();
    let config = Config {
        level_mapper: Some([("gpt-4o".to_owned(), level)].into()),
        ..Config::default()
    };
    meter.rig.config(config).await;
    let answer = r#"{"model":"gpt-4o-2024-11-20","choices":[],"usage":{"prompt_tokens":1000,"completion_tokens":10}}"#;
    meter.upstream.script(AZURE, json(answer));
    let body = r#"{"model":"gpt-4o","messages":[]}"#;
    let [record] = &meter.call(CHAT, body, json(answer)).await[..] else {
        panic!("not one record");
    };
    let asked = meter.upstream.asked();
    assert!(asked[0].path.contains("/deployments/our-own/"), "{asked:?}");
    assert_eq!((&*record.requested, &*record.model), ("gpt-4o", "gpt-4o"));
    // 1000 at 2.5 dollars for a million, 10 at 10.
    assert_eq!(record.cost, NanoDollars(2_600_000));
}

/// The owner's mapper first, then the key's: the bill names what stands between them.
#[tokio::test]
async fn the_owners_mapper_comes_before_the_keys_and_is_what_is_billed() {
    let mut meter = Meter::new(Dialect::OpenAi).await;
    // Had the key's come first, the first row would have led elsewhere.
    let mapping = [("nice", "wrong"), ("gpt-4o", "our-own")];
    let mapping = mapping.map(|(from, to)| (from.to_owned(), to.to_owned()));
    let config = ConfigPatch {
        is_named: true,
        fields: ConfigFields::Azure {
            model_mapping: Some(mapping.into()),
            api_versions: None,
        },
    };
    let url = meter.upstream.url();
    meter.rig.key_with(2, (&url, AZURE), |_| config).await;
    let config = Config {
        model_mapper: Some([("nice".to_owned(), "gpt-4o".to_owned())].into()),
        level_mapper: Some([("gpt-4o".to_owned(), Level::new(2).unwrap())].into()),
        ..Config::default()
    };
    meter.rig.config(config).await;
    let answer = r#"{"model":"gpt-4o-2024-11-20","choices":[],"usage":{"prompt_tokens":1000,"completion_tokens":10}}"#;
    meter.upstream.script(AZURE, json(answer));
    let body = r#"{"model":"nice","messages":[]}"#;
    let [record] = &meter.call(CHAT, body, json(answer)).await[..] else {
        panic!("not one record");
    };
    let asked = meter.upstream.asked();
    assert!(asked[0].path.contains("/deployments/our-own/"), "{asked:?}");
    assert_eq!((&*record.requested, &*record.model), ("nice", "gpt-4o"));
    assert_eq!(record.upstream.as_deref(), None);
    assert_eq!(record.cost, NanoDollars(2_600_000));
}
