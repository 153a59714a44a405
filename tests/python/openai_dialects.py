"""The openai SDK with models of every vendor."""

import openai
from openai import OpenAI

from checks import BASE_URL, KEY, PNG, SAID, VENDORS, raises, run

client = OpenAI(base_url=BASE_URL, api_key=KEY, max_retries=0, timeout=30)

ASKED = [
    {"role": "system", "content": "Be brief."},
    {
        "role": "user",
        "content": [
            {"type": "text", "text": "hello"},
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
        ],
    },
]
QUESTION = {"role": "user", "content": "How warm is it?"}
FUNCTION = {
    "name": "weather",
    "description": "The weather of a city",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}
TOOLS = [{"type": "function", "function": FUNCTION}]


def ask(vendor, fate="", **more):
    more.setdefault("messages", ASKED)
    return client.chat.completions.create(model=vendor["model"] + fate, **more)


def chat(vendor):
    answer = ask(vendor, max_tokens=99)
    (choice,) = answer.choices
    assert choice.message.content == SAID, answer
    assert choice.message.role == "assistant" and choice.finish_reason == "stop", answer
    usage = answer.usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (7, 5, 12), answer
    assert usage.prompt_tokens_details.cached_tokens == 4, answer
    assert answer.object == "chat.completion" and answer.id and answer._request_id, answer


def stream(vendor):
    chunks = [chunk for chunk in ask(vendor, stream=True) if chunk.choices]
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text == SAID, chunks
    assert len(chunks) > 3, "it comes in pieces"
    assert chunks[-1].choices[0].finish_reason == "stop", chunks
    assert all(chunk.usage is None for chunk in chunks), chunks


def stream_with_usage(vendor):
    chunks = list(ask(vendor, stream=True, stream_options={"include_usage": True}))
    assert chunks[-1].choices == [] and chunks[-1].usage.total_tokens == 12, chunks
    assert chunks[-1].usage.prompt_tokens_details.cached_tokens == 4, chunks


def tools(vendor):
    answer = ask(vendor, messages=[QUESTION], tools=TOOLS)
    (choice,) = answer.choices
    (call,) = choice.message.tool_calls
    assert choice.finish_reason == "tool_calls", answer
    assert call.function.name == "weather" and call.id, answer
    assert call.function.arguments.replace(" ", "") == '{"city":"Paris"}', answer
    outcome = {"role": "tool", "tool_call_id": call.id, "content": "21 degrees"}
    answer = ask(vendor, messages=[QUESTION, choice.message, outcome], tools=TOOLS)
    assert answer.choices[0].message.content == "it is 21 degrees", answer


def streamed_tools(vendor):
    with client.chat.completions.stream(
        model=vendor["model"], messages=[QUESTION], tools=TOOLS
    ) as events:
        for _ in events:
            pass
        choice = events.get_final_completion().choices[0]
    (call,) = choice.message.tool_calls
    assert call.function.name == "weather" and call.id, choice
    assert call.function.arguments.replace(" ", "") == '{"city":"Paris"}', choice
    assert choice.finish_reason == "tool_calls", choice


def thoughts(vendor):
    answer = ask(vendor, reasoning_effort="low").choices[0].message
    assert answer.reasoning_content == "Hm. Well.", answer
    assert answer.content == SAID, answer
    # They may come back with their seal, and be led to another vendor without.
    again = ask(vendor, messages=[*ASKED, answer, QUESTION], reasoning_effort="low")
    assert "How warm is it?" in again.choices[0].message.content, again
    deltas = [
        chunk.choices[0].delta
        for chunk in ask(vendor, stream=True, reasoning_effort="low")
        if chunk.choices
    ]
    thought = "".join(getattr(delta, "reasoning_content", None) or "" for delta in deltas)
    text = "".join(delta.content or "" for delta in deltas)
    assert (thought, text) == ("Hm. Well.", SAID), deltas


def errors(vendor):
    stranger = client.with_options(api_key="sk-wrong")
    error = raises(
        openai.AuthenticationError,
        401,
        lambda: stranger.chat.completions.create(model=vendor["model"], messages=ASKED),
    )
    assert error.code == "invalid_api_key", error.code
    error = raises(openai.BadRequestError, 400, lambda: ask(vendor, "-refused"))
    assert "bad field" in error.message, error
    error = raises(openai.RateLimitError, 429, lambda: ask(vendor, "-limited"))
    assert 60 <= int(error.response.headers["retry-after"]) <= 90, error.response.headers
    assert error.response.headers["x-should-retry"] == "true", error.response.headers
    error = raises(openai.InternalServerError, 503, lambda: ask(vendor, "-overloaded"))
    assert error.message, error


def embeddings(vendor):
    if "embeds" not in vendor:
        error = raises(
            openai.NotFoundError,
            404,
            lambda: client.embeddings.create(model=vendor["model"], input="hi"),
        )
        assert error.code == "endpoint_not_supported", error.code
        return
    # The SDK asks for base64 by itself, and turns it into numbers.
    for more in ({}, {"encoding_format": "float"}):
        answer = client.embeddings.create(model=vendor["embeds"], input=["hi", "ho"], **more)
        vectors = [item.embedding for item in answer.data]
        assert vectors == [[0.25, -0.5, 1.0]] * 2, answer
        assert [item.index for item in answer.data] == [0, 1], answer


def what_cannot_be_said(vendor):
    if not vendor.get("claude"):
        return
    for field, value in (("n", 2), ("logprobs", True)):
        error = raises(openai.BadRequestError, 400, lambda: ask(vendor, **{field: value}))
        assert error.param == field and field in error.message, error


run(
    (
        chat,
        stream,
        stream_with_usage,
        tools,
        streamed_tools,
        thoughts,
        embeddings,
        what_cannot_be_said,
        errors,
    ),
    VENDORS,
)
