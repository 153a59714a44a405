"""What the openai SDK calls beside chats."""

import base64
import io
import os

import openai
from openai import OpenAI

from checks import BASE_URL, KEY, raises, run

client = OpenAI(base_url=BASE_URL, api_key=KEY, max_retries=0, timeout=30)
other = OpenAI(base_url=BASE_URL, api_key=os.environ["OTHER_KEY"], max_retries=0, timeout=30)


def responses(model="gpt-4o"):
    answer = client.responses.create(model=model, input="hello")
    assert answer.output_text == "said: hello" and answer.status == "completed", answer
    usage = answer.usage
    assert (usage.input_tokens, usage.output_tokens) == (7, 5), answer
    assert usage.input_tokens_details.cached_tokens == 4, answer


def responses_at_azure():
    responses("gpt-4.1")


def streamed_responses():
    events = list(client.responses.create(model="gpt-4o", input="hello you", stream=True))
    text = "".join(e.delta for e in events if e.type == "response.output_text.delta")
    assert text == "said: hello you", events
    assert events[-1].type == "response.completed", events
    assert events[-1].response.usage.total_tokens == 12, events


def follow_ups_of_responses():
    made = client.responses.create(model="gpt-4o", input="hello")
    again = client.responses.create(
        model="gpt-4o", input="and?", previous_response_id=made.id
    )
    assert again.output_text == "said: and?", again
    assert client.responses.retrieve(made.id).output_text == "kept"
    assert client.responses.input_items.list(made.id).data == []
    raises(openai.NotFoundError, 404, lambda: other.responses.retrieve(made.id))
    client.responses.delete(made.id)


def conversations_of_others():
    error = raises(
        openai.BadRequestError,
        400,
        lambda: other.responses.create(model="gpt-4o", input="and?", conversation="conv_1"),
    )
    assert error.param == "conversation", error.param
    assert error.response.headers["x-should-retry"] == "false", error.response.headers


def files():
    made = client.files.create(file=("in.jsonl", b"{}\n"), purpose="batch")
    assert (made.bytes, made.id) == (3, "file-1"), made
    assert client.files.retrieve(made.id).id == made.id
    assert client.files.content(made.id).read() == b"kept\n"
    raises(openai.NotFoundError, 404, lambda: other.files.retrieve(made.id))
    mine = [file.id for file in other.files.list()]
    assert mine == [], mine
    other.files.create(file=("in.jsonl", b"{}\n"), purpose="batch")
    mine = [file.id for file in other.files.list()]
    assert mine == ["file-1"], mine
    assert client.files.delete(made.id).deleted


def files_in_responses():
    made = client.files.create(file=("in.jsonl", b"{}\n"), purpose="user_data")
    asked = {"role": "user", "content": [{"type": "input_file", "file_id": made.id}]}
    assert client.responses.create(model="gpt-4o", input=[asked]).status == "completed"
    asked["content"][0]["file_id"] = "file-of-others"
    error = raises(
        openai.BadRequestError, 400, lambda: other.responses.create(model="gpt-4o", input=[asked])
    )
    assert error.param == "file_id", error.param


def batches():
    file = client.files.create(file=("in.jsonl", b"{}\n"), purpose="batch")
    made = client.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
    )
    assert made.status == "validating", made
    done = client.batches.retrieve(made.id)
    assert done.status == "completed", done
    assert client.files.content(done.output_file_id).read() == b"kept\n"
    assert client.batches.cancel(made.id).status == "cancelling"
    raises(openai.NotFoundError, 404, lambda: other.batches.retrieve(made.id))


def speech():
    asked = {"model": "tts-1", "voice": "alloy", "input": "a gate"}
    assert client.audio.speech.create(**asked).read() == b"sound of a gate"
    with client.audio.speech.with_streaming_response.create(**asked) as answer:
        assert answer.headers["content-type"] == "audio/mpeg", answer.headers
        assert b"".join(answer.iter_bytes()) == b"sound of a gate"


def transcriptions():
    sound = ("a.wav", b"RIFF" * 1000)
    answer = client.audio.transcriptions.create(model="whisper-1", file=sound)
    # The mapped model reached the upstream.
    assert answer.text == "transcriptions of 4000 bytes by whisper-large", answer
    text = client.audio.transcriptions.create(
        model="whisper-1", file=sound, response_format="text"
    )
    assert text.strip() == "transcriptions of 4000 bytes by whisper-large", text
    events = list(client.audio.transcriptions.create(model="whisper-1", file=sound, stream=True))
    assert events[-1].type == "transcript.text.done", events
    answer = client.audio.translations.create(model="whisper-1", file=sound)
    assert answer.text == "translations of 4000 bytes by whisper-large", answer


def images():
    def model(answer):
        return base64.b64decode(answer.data[0].b64_json).decode()

    answer = client.images.generate(model="gpt-image-1", prompt="a gate", n=2)
    assert len(answer.data) == 2 and model(answer) == "gpt-image-1", answer
    assert answer.usage.total_tokens == 12, answer
    image = ("a.png", io.BytesIO(b"\x89PNG\r\n\x1a\n"), "image/png")
    answer = client.images.edit(model="gpt-image-1", image=image, prompt="fog")
    assert model(answer) == "gpt-image-1", answer
    answer = client.images.create_variation(image=image)
    assert model(answer) in ("", "dall-e-2"), answer


def moderations():
    answer = client.moderations.create(input=["a", "b"])
    assert len(answer.results) == 2 and not answer.results[0].flagged, answer
    assert client.moderations.create(model="omni-moderation-latest", input="a").results


def models():
    names = [model.id for model in client.models.list()]
    assert "gpt-4o" in names, names
    assert client.models.retrieve("gpt-4o").id == "gpt-4o"


run(
    (
        responses,
        responses_at_azure,
        streamed_responses,
        follow_ups_of_responses,
        conversations_of_others,
        files,
        files_in_responses,
        batches,
        speech,
        transcriptions,
        images,
        moderations,
        models,
    )
)
