//! What sessions are billed for, and what of models and limits holds within them.

use foldgate_domain::acl::ListEdit;
use foldgate_domain::command::{
    AddAccount, Change, Command, LimitPatch, NewKey, ProfileEdit, TermsEdit,
};
use foldgate_log::usage::spool::Outbox;
use foldgate_proto::{
    AccountId, AccountNumber, CallerKeyId, Config, KeyHash, Measure, NanoDollars, UsageRecord,
};
use uuid::Uuid;

use super::{Client, DONE, Provider, rig};
use crate::rig::{Rig, until};

/// What was written down, once there are so many records.
async fn records(rig: &Rig, outbox: &mut Outbox, count: u64) -> Vec<UsageRecord> {
    until("it is written down", || rig.spool.waiting() == count).await;
    outbox.next_batch().unwrap().unwrap().records
}

/// However it ends: the client goes, the provider breaks off, the process ends.
#[tokio::test]
async fn a_session_that_ends_within_a_response_is_billed_for_what_was_heard() {
    let sound = "A".repeat(19_200);
    let append = format!(r#"{{"type":"input_audio_buffer.append","audio":"{sound}"}}"#);
    let delta = format!(r#"{{"type":"response.output_audio.delta","delta":"{sound}"}}"#);
    let text = r#"{"type":"response.output_audio_transcript.delta","delta":"12345678"}"#;
    for ending in ["left", "break", "shutdown"] {
        let provider = Provider::start().await;
        let mut rig = rig(&provider).await;
        rig.config(Config {
            pricing: Some(
                r#"{"ChatPricing":{"m":{"InputText":1,"InputAudio":10,"CachedText":1,
                    "OutputText":2,"OutputAudio":100}}}"#
                    .to_owned(),
            ),
            ..Config::default()
        })
        .await;
        let mut outbox = rig.spool.outbox().unwrap();
        let mut client = Client::session(&rig).await;
        client.event(DONE).await;
        client.event(&append).await;
        client
            .event(r#"{"type":"input_audio_buffer.commit"}"#)
            .await;
        client.event(r#"{"type":"response.created"}"#).await;
        client.event(&delta).await;
        client.event(text).await;
        match ending {
            "left" => drop(client),
            "break" => client.say(0x81, b"break").await,
            _ => rig.shutdown.begin(),
        }
        let record = &records(&rig, &mut outbox, 1).await[0];
        assert_eq!(record.measure, Measure::Estimated, "{ending}");
        let used = record.quantities;
        // 14,400 bytes of sound are 300 ms.
        assert_eq!((used.input, used.input_audio, used.cached), (5, 3, 7));
        assert_eq!((used.output, used.output_audio), (4, 6), "{ending}");
        // 5 + 3 * 10 + 7 + 4 * 2 + 6 * 100 dollars for a million.
        assert_eq!(record.cost, NanoDollars(650_000), "{ending}");
    }
}

#[tokio::test]
async fn what_is_written_down_in_a_session_is_billed_by_the_model_that_does() {
    let provider = Provider::start().await;
    let rig = rig(&provider).await;
    let mut outbox = rig.spool.outbox().unwrap();
    let mut client = Client::session(&rig).await;
    let session = |model: &str| {
        format!(
            r#"{{"type":"session.updated","session":{{"audio":{{"input":{{"transcription":{{"model":"{model}"}}}}}}}}}}"#
        )
    };
    let heard = |usage: &str| {
        format!(
            r#"{{"type":"conversation.item.input_audio_transcription.completed","usage":{usage}}}"#
        )
    };
    client.event(&session("whisper-1")).await;
    for _ in 0..2 {
        client
            .event(&heard(r#"{"type":"duration","seconds":30}"#))
            .await;
    }
    client.event(&session("gpt-4o-transcribe")).await;
    let tokens = r#"{"type":"tokens","input_tokens":1000,"output_tokens":100,
        "input_token_details":{"audio_tokens":1000}}"#;
    client.event(&heard(tokens)).await;
    client.event(DONE).await;
    client.say(0x88, &1000u16.to_be_bytes()).await;
    assert_eq!(client.closed().await, 1000);
    let records = records(&rig, &mut outbox, 3).await;
    let of = |model: &str| records.iter().find(|record| record.model == model).unwrap();
    let (whisper, tokens, own) = (of("whisper-1"), of("gpt-4o-transcribe"), of("m"));
    for record in [whisper, tokens, own] {
        assert_eq!((&*record.endpoint, record.status), ("realtime", 101));
        assert_eq!(record.measure, Measure::Reported);
        assert_eq!(record.provider_key.map(|key| key.0), Some(1));
    }
    // A minute at 0.0001 dollars for a second.
    assert_eq!(whisper.quantities.sound_ms, 60_000);
    assert_eq!(whisper.cost, NanoDollars(6_000_000));
    // 1000 at 2.5 and 100 at 10 dollars for a million.
    assert_eq!(tokens.cost, NanoDollars(3_500_000));
    assert_eq!((own.quantities.input, own.quantities.output), (5, 2));
}

/// By a provider that does not count it, in a session that ends before all of it is.
#[tokio::test]
async fn what_is_written_down_uncounted_is_billed_by_its_length() {
    let provider = Provider::start().await;
    let rig = rig(&provider).await;
    let mut outbox = rig.spool.outbox().unwrap();
    let mut client = Client::session(&rig).await;
    let session = r#"{"type":"session.updated","session":{"input_audio_transcription":{"model":"whisper-1"}}}"#;
    client.event(session).await;
    let sound = "A".repeat(64_000);
    let append = format!(r#"{{"type":"input_audio_buffer.append","audio":"{sound}"}}"#);
    let told = r#"{"type":"conversation.item.input_audio_transcription.completed"}"#;
    for last in [told, r#"{"type":"input_audio_buffer.committed"}"#] {
        client.event(&append).await;
        client
            .event(r#"{"type":"input_audio_buffer.commit"}"#)
            .await;
        client.event(last).await;
    }
    drop(client);
    let records = records(&rig, &mut outbox, 2).await;
    let whisper = records.iter().find(|record| record.model == "whisper-1");
    let whisper = whisper.unwrap();
    // 48,000 bytes are a second; twice, at 0.0001 dollars.
    assert_eq!(whisper.quantities.sound_ms, 2_000);
    assert_eq!(whisper.cost, NanoDollars(200_000));
    assert_eq!(whisper.measure, Measure::Estimated);
}

/// An account below the owner, with a key of that name; its sessions.
async fn account(rig: &mut Rig, name: &str, profile: ProfileEdit) -> String {
    let key = NewKey {
        id: CallerKeyId(Uuid::new_v4()),
        name: String::new(),
        hash: KeyHash(foldgate_vault::digest(name)),
        mask: "sk".to_owned(),
        terms: TermsEdit::default(),
    };
    let add = AddAccount {
        id: AccountId(Uuid::new_v4()),
        parent: AccountNumber(1),
        profile: ProfileEdit {
            name: Some(name.to_owned()),
            email: Some(format!("{name}@example.com")),
            ..profile
        },
        credit: None,
        key,
    };
    rig.write(&Command::AddAccount(Box::new(add))).await;
    format!("Authorization: Bearer {name}\r\n")
}

#[tokio::test]
async fn a_session_names_only_models_that_its_caller_may_use() {
    let provider = Provider::start().await;
    let mut rig = rig(&provider).await;
    let few = ProfileEdit {
        allow_models: Some(ListEdit::parse("m, whisper-1").unwrap()),
        ..ProfileEdit::default()
    };
    let bearer = account(&mut rig, "few-models", few).await;
    let update = |model: &str| {
        format!(
            r#"{{"type":"session.update","session":{{"input_audio_transcription":{{"model":"{model}"}}}}}}"#
        )
    };
    let path = "/v1/realtime?model=m";
    let (mut client, _) = Client::open(&rig, path, &bearer).await.unwrap();
    assert_eq!(client.next().await, (0x81, b"hello".to_vec()));
    client.event(&update("whisper-1")).await;
    client.say(0x81, update("dear").as_bytes()).await;
    assert_eq!(client.closed().await, 1008);
    // The owner may use them all.
    let mut client = Client::session(&rig).await;
    client.event(&update("dear")).await;
}

#[tokio::test]
async fn a_response_counts_under_limits_on_tokens_when_it_is_over() {
    let provider = Provider::start().await;
    let mut rig = rig(&provider).await;
    let limits = LimitPatch {
        tpm: Change::Set(1_000),
        ..LimitPatch::default()
    };
    let limited = ProfileEdit {
        limits,
        ..ProfileEdit::default()
    };
    let bearer = account(&mut rig, "limited", limited).await;
    let path = "/v1/realtime?model=m";
    let done = |tokens: u64| {
        format!(
            r#"{{"type":"response.done","response":{{"usage":{{"input_tokens":{tokens},"output_tokens":0}}}}}}"#
        )
    };
    let (mut first, _) = Client::open(&rig, path, &bearer).await.unwrap();
    assert_eq!(first.next().await, (0x81, b"hello".to_vec()));
    for tokens in [400, 300] {
        first.event(&done(tokens)).await;
        let (mut another, _) = Client::open(&rig, path, &bearer).await.unwrap();
        assert_eq!(another.next().await, (0x81, b"hello".to_vec()));
        another.say(0x88, &1000u16.to_be_bytes()).await;
        assert_eq!(another.closed().await, 1000);
    }
    first.event(&done(300)).await;
    let refused = Client::open(&rig, path, &bearer).await.err().unwrap();
    assert!(refused.starts_with("HTTP/1.1 429"), "{refused}");
}
