"""The openai SDK as a caller uses it; each check prints its name, the first
failure ends the script with a traceback."""

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


def chat():
    answer = client.chat.completions.create(model="gpt-4o", messages=HELLO)
    assert answer.choices[0].message.content == "echo: hello", answer
    assert answer.usage.total_tokens == 12, answer
    assert answer._request_id, "every answer has a request id"


def stream():
    chunks = list(client.chat.completions.create(model="gpt-4o", messages=HELLO, stream=True))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text == "echo: hello", chunks
    assert all(chunk.usage is None for chunk in chunks), chunks


def stream_with_usage():
    options = {"include_usage": True}
    chunks = list(
        client.chat.completions.create(
            model="gpt-4o", messages=HELLO, stream=True, stream_options=options
        )
    )
    assert chunks[-1].choices == [] and chunks[-1].usage.total_tokens == 12, chunks


def tools():
    function = {"name": "weather", "parameters": {"type": "object", "properties": {}}}
    answer = client.chat.completions.create(
        model="gpt-4o", messages=HELLO, tools=[{"type": "function", "function": function}]
    )
    (call,) = answer.choices[0].message.tool_calls
    assert call.function.name == "weather", answer
    assert answer.choices[0].finish_reason == "tool_calls", answer


def completions():
    answer = client.completions.create(model="gpt-4o", prompt="hi")
    assert answer.choices[0].text == "echo: hi", answer


def embeddings():
    answer = client.embeddings.create(
        model="text-embedding-3-small", input="hi", encoding_format="float"
    )
    assert answer.data[0].embedding == [0.25, -0.5, 1.0], answer


def models():
    names = [model.id for model in client.models.list()]
    assert "gpt-4o" in names and "text-embedding-3-small" in names, names


def raises(kind, status, code, call):
    try:
        call()
    except openai.APIStatusError as error:
        assert type(error) is kind, f"{type(error)}: {error}"
        assert error.status_code == status, error
        assert code is None or error.code == code, (error.code, error)
        assert error.message and error.body["message"], error
        return error
    raise AssertionError(f"{kind} was not raised")


def ask(model, **more):
    return lambda: client.chat.completions.create(model=model, messages=HELLO, **more)


def errors():
    stranger = client.with_options(api_key="sk-wrong")
    raises(
        openai.AuthenticationError,
        401,
        "invalid_api_key",
        lambda: stranger.chat.completions.create(model="gpt-4o", messages=HELLO),
    )
    raises(openai.NotFoundError, 404, "model_not_found", ask("no-such-model"))
    error = raises(openai.BadRequestError, 400, "bad_field", ask("refused"))
    assert "bad field" in error.message, error
    error = raises(openai.RateLimitError, 429, None, ask("limited"))
    assert int(error.response.headers["retry-after"]) > 30, error.response.headers
    # The first answer may tell what the upstream said, the next that its key rests.
    for _ in range(2):
        try:
            ask("failing")()
        except openai.InternalServerError as error:
            assert error.status_code >= 500, error
        else:
            raise AssertionError("InternalServerError was not raised")


def error_in_stream():
    seen = []
    try:
        for chunk in client.chat.completions.create(model="late", messages=HELLO, stream=True):
            seen.append(chunk.choices[0].delta.content)
    except openai.APIError as error:
        assert seen == ["one"], seen
        assert error.message, error
        return
    raise AssertionError("APIError was not raised")


for check in (
    chat,
    stream,
    stream_with_usage,
    tools,
    completions,
    embeddings,
    models,
    errors,
    error_in_stream,
):
    check()
    print(check.__name__, "ok")
print("all checks passed")
