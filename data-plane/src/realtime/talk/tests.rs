use foldgate_proto::Quantities;

use super::{Close, Talk, Used};

/// A string of base64 that stands for so many bytes.
fn base64(bytes: usize) -> String {
    "A".repeat(bytes / 3 * 4)
}

impl Talk {
    fn client(&mut self, event: &str) {
        let all = |_: &str| true;
        assert_eq!(self.hear_client(event.as_bytes(), all), Ok(()), "{event}");
    }

    fn provider(&mut self, event: &str) -> Option<Used> {
        self.hear_provider(event.as_bytes())
    }

    /// A second of sound, committed.
    fn second(&mut self) {
        let audio = base64(48_000);
        self.client(&format!(
            r#"{{"audio":"{audio}","type":"input_audio_buffer.append"}}"#
        ));
        self.client(r#"{"type":"input_audio_buffer.commit"}"#);
    }
}

const CREATED: &str = r#"{"type":"response.created","response":{"usage":null}}"#;
const DONE: &str = r#"{"type":"response.done","response":{"usage":{"input_tokens":30,
    "output_tokens":20,"input_token_details":{"cached_tokens":3,"audio_tokens":10},
    "output_token_details":{"audio_tokens":12}}}}"#;

#[test]
fn a_finished_response_is_what_its_provider_counted() {
    let mut talk = Talk::default();
    talk.second();
    assert_eq!(talk.provider(CREATED), None);
    let counted = Quantities {
        input: 17,
        cached: 3,
        input_audio: 10,
        output: 8,
        output_audio: 12,
        ..Quantities::default()
    };
    assert_eq!(talk.provider(DONE), Some(Used::Response(counted)));
    assert_eq!((talk.unfinished(), talk.guessed), (None, false));
    let nothing = r#"{"type":"response.done","response":{}}"#;
    assert_eq!(talk.provider(nothing), None);
    let spoken = r#"{"type":"response.output_text.delta","delta":"response.done"}"#;
    assert_eq!(talk.provider(spoken), None);
}

#[test]
fn an_unfinished_response_is_what_was_heard_of_it() {
    let mut talk = Talk::default();
    talk.provider(DONE);
    talk.second();
    assert_eq!(talk.unfinished(), None, "no response came of it");
    talk.client(r#"{"type":"response.create"}"#);
    talk.provider(CREATED);
    let sound = base64(36_000);
    for kind in ["response.output_audio.delta", "response.audio.delta"] {
        talk.provider(&format!(r#"{{"type":"{kind}","delta":"{sound}"}}"#));
    }
    for kind in [
        "response.output_audio_transcript.delta",
        "response.output_text.delta",
        "response.function_call_arguments.delta",
    ] {
        talk.provider(&format!(r#"{{"type":"{kind}","delta":"12345678"}}"#));
    }
    let expected = Quantities {
        // `{"type":"response.create"}` has 26 bytes.
        input: 7,
        input_audio: 10,
        // 17 + 3 + 8 of text, 10 + 12 of sound, of the response before.
        cached: 28,
        cached_audio: 22,
        output: 6,
        // 72,000 bytes are 1.5 s.
        output_audio: 30,
        ..Quantities::default()
    };
    assert_eq!(talk.unfinished(), Some(expected));
    // One that ends uncounted is taken for what was heard of it.
    let uncounted = r#"{"type":"response.done","response":{"usage":null}}"#;
    assert_eq!(talk.provider(uncounted), Some(Used::Response(expected)));
    assert_eq!((talk.unfinished(), talk.guessed), (None, true));
}

#[test]
fn only_the_sound_that_is_said_counts_at_the_rate_it_has() {
    let mut talk = Talk::default();
    talk.provider(
        r#"{"type":"session.updated","session":{"audio":{"input":{"format":{"type":"audio/pcmu"}},
            "output":{"format":"g711_alaw"}}}}"#,
    );
    let second = base64(7_998);
    let append = format!(r#"{{"type":"input_audio_buffer.append","audio":"{second}"}}"#);
    for _ in 0..10 {
        talk.client(&append);
    }
    // What was sent before somebody spoke was silence.
    talk.provider(r#"{"type":"input_audio_buffer.speech_started","audio_start_ms":6000}"#);
    talk.provider(r#"{"type":"input_audio_buffer.committed"}"#);
    talk.provider(CREATED);
    talk.provider(&format!(
        r#"{{"type":"response.audio.delta","delta":"{second}"}}"#
    ));
    let used = talk.unfinished().unwrap();
    assert_eq!((used.input_audio, used.output_audio), (40, 20));
    talk.client(&append);
    talk.client(r#"{"type":"input_audio_buffer.clear"}"#);
    talk.client(r#"{"type":"input_audio_buffer.commit"}"#);
    assert_eq!(talk.unfinished().unwrap().input_audio, 40);
    // Sound within an item counts as sound.
    let item = format!(
        r#"{{"type":"conversation.item.create","item":{{"content":[{{"audio":"{second}"}}]}}}}"#
    );
    talk.client(&item);
    let used = talk.unfinished().unwrap();
    assert_eq!((used.input_audio, used.input), (50, 18));
}

#[test]
fn an_answer_that_was_refused_is_not_under_way() {
    let mut talk = Talk::default();
    talk.client(r#"{"type":"response.create"}"#);
    assert!(talk.unfinished().is_some());
    talk.provider(r#"{"type":"error","error":{"code":"x"}}"#);
    assert_eq!(talk.unfinished(), None);
}

#[test]
fn what_is_written_down_is_paid_by_the_model_that_does() {
    let mut talk = Talk::default();
    let done = |usage: &str| {
        format!(
            r#"{{"type":"conversation.item.input_audio_transcription.completed","usage":{usage}}}"#
        )
    };
    let seconds = done(r#"{"type":"duration","seconds":2.5}"#);
    let used = Quantities {
        sound_ms: 2_500,
        ..Quantities::default()
    };
    assert_eq!(talk.provider(&seconds), Some(Used::Transcript(None, used)));
    for session in [
        r#"{"audio":{"input":{"transcription":{"model":"gpt-4o-transcribe"}}}}"#,
        r#"{"input_audio_transcription":{"model":"gpt-4o-transcribe"}}"#,
    ] {
        talk.provider(&format!(
            r#"{{"type":"session.created","session":{session}}}"#
        ));
        let tokens = done(
            r#"{"type":"tokens","input_tokens":9,"output_tokens":4,"total_tokens":13,
                "input_token_details":{"text_tokens":0,"audio_tokens":9}}"#,
        );
        let used = Quantities {
            input_audio: 9,
            output: 4,
            ..Quantities::default()
        };
        let model = Some("gpt-4o-transcribe".to_owned());
        assert_eq!(talk.provider(&tokens), Some(Used::Transcript(model, used)));
        talk.provider(r#"{"type":"session.updated","session":{}}"#);
    }
}

#[test]
fn what_is_written_down_uncounted_is_as_long_as_what_was_committed() {
    let mut talk = Talk::default();
    let done =
        r#"{"type":"conversation.item.input_audio_transcription.completed","transcript":"x"}"#;
    talk.second();
    assert_eq!(talk.provider(done), None, "by nobody that is known");
    talk.provider(
        r#"{"type":"session.updated","session":{"input_audio_transcription":{"model":"whisper-1"}}}"#,
    );
    let length = |sound_ms| {
        let used = Quantities {
            sound_ms,
            ..Quantities::default()
        };
        Some(Used::Uncounted("whisper-1".to_owned(), used))
    };
    talk.second();
    talk.second();
    assert_eq!(talk.provider(done), length(2_000));
    assert_eq!(talk.provider(done), None, "no more was committed");
    talk.second();
    assert_eq!(talk.untold(), length(1_000));
    assert_eq!(talk.untold(), None);
    // What was counted is no longer to be told.
    talk.second();
    let counted = done.replace(
        "\"transcript\":\"x\"",
        r#""usage":{"type":"duration","seconds":1}"#,
    );
    assert!(matches!(
        talk.provider(&counted),
        Some(Used::Transcript(..))
    ));
    assert_eq!(talk.untold(), None);
}

#[test]
fn a_client_names_only_models_that_it_may_use() {
    let said = |event: &str| {
        let allows = |model: &str| model == "whisper-1";
        Talk::default().hear_client(event.as_bytes(), allows)
    };
    for event in [
        r#"{"type":"session.update","session":{"audio":{"input":{"transcription":{"model":"whisper-1"}}}}}"#,
        r#"{"type":"session.update","session":{"tools":[{"parameters":{"model":{"type":"string"}}}]}}"#,
        r#"{"type":"conversation.item.create","item":{"content":[{"model":"dear"}]}}"#,
        r#"{"type":"response.create","response":{"metadata":{"model":"dear"}}}"#,
        "no event",
    ] {
        assert_eq!(said(event), Ok(()), "{event}");
    }
    let many = (0..40)
        .map(|n| format!("\"{n}\""))
        .collect::<Vec<_>>()
        .join(",");
    for event in [
        r#"{"type":"session.update","session":{"audio":{"input":{"transcription":{"model":"dear"}}}}}"#,
        r#"{"type":"session.update","session":{"audio":{"input":{"transcription":{"mod\u0065l":"dear"}}}}}"#,
        r#"{"type":"transcription_session.update","session":{"input_audio_transcription":{"model":"dear"}}}"#,
        r#"{"type":"session.update","type":"response.create","session":{"model":"dear"}}"#,
        r#"{"type":"response.create","type":"session.update","session":{"model":"dear"}}"#,
        r#"{"session":{"model":"dear"}}"#,
        r#"{"type":"session.update","x":NaN,"session":{"model":"dear"}}"#,
        &format!(r#"{{"type":"session.update","session":{{"model":["whisper-1",{many}]}}}}"#),
    ] {
        assert_eq!(said(event), Err(Close::REFUSED), "{event}");
    }
}
