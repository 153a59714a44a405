"""The openai SDK calls a Model that leads to others, with a key that may call
nothing else; each check prints its name, the first failure ends the script with a
traceback."""

import os

import openai
from openai import OpenAI

client = OpenAI(
    base_url=os.environ["FOLDGATE_BASE_URL"],
    api_key=os.environ["FOLDGATE_KEY"],
    max_retries=0,
    timeout=30,
)
HELLO = [{"role": "user", "content": "hello"}]
SERVED_BY = "x-foldgate-served-by"


def models():
    names = [model.id for model in client.models.list()]
    assert names == ["lead"], names


def chat():
    raw = client.chat.completions.with_raw_response.create(model="lead", messages=HELLO)
    assert raw.parse().choices[0].message.content == "echo: hello", raw.text
    assert raw.headers[SERVED_BY] == "t1", raw.headers


def stream():
    create = client.chat.completions.with_streaming_response.create
    with create(model="lead", messages=HELLO, stream=True) as raw:
        assert raw.headers[SERVED_BY] == "t1", raw.headers
        text = "".join(chunk.choices[0].delta.content or "" for chunk in raw.parse())
    assert text == "echo: hello", text


def completions():
    answer = client.completions.create(model="lead", prompt="hi")
    assert answer.choices[0].text == "echo: hi", answer


def embeddings():
    answer = client.embeddings.create(model="lead", input="hi", encoding_format="float")
    assert answer.data[0].embedding == [0.25, -0.5, 1.0], answer


def fallback():
    # The first target is asked for what it fails at; the caller sees the second's.
    fails = [{"role": "user", "content": "fail at first"}]
    raw = client.chat.completions.with_raw_response.create(model="lead", messages=fails)
    assert raw.parse().choices[0].message.content == "echo: fail at first", raw.text
    assert raw.headers[SERVED_BY] == "t2", raw.headers


def targets_alone():
    try:
        client.chat.completions.create(model="t1", messages=HELLO)
    except openai.PermissionDeniedError as error:
        assert error.code == "model_not_allowed", error
        return
    raise AssertionError("PermissionDeniedError was not raised")


for check in (models, chat, stream, completions, embeddings, targets_alone, fallback):
    check()
    print(check.__name__, "ok")
print("all checks passed")
