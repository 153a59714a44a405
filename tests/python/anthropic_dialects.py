"""The anthropic SDK with models of every vendor."""

import anthropic
from anthropic import Anthropic

from checks import BASE_URL, KEY, PNG, SAID, VENDORS, raises, run

# This SDK writes the version into the path by itself.
client = Anthropic(
    base_url=BASE_URL.removesuffix("/v1"), api_key=KEY, max_retries=0, timeout=30
)

IMAGE = {"type": "base64", "media_type": "image/png", "data": PNG}
ASKED = [
    {
        "role": "user",
        "content": [{"type": "text", "text": "hello"}, {"type": "image", "source": IMAGE}],
    }
]
QUESTION = {"role": "user", "content": "How warm is it?"}
TOOLS = [
    {
        "name": "weather",
        "description": "The weather of a city",
        "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
    }
]


def arguments(vendor, fate="", **more):
    usual = {"messages": ASKED, "system": "Be brief.", "max_tokens": 99}
    return {**usual, "model": vendor["model"] + fate, **more}


def ask(vendor, fate="", **more):
    return client.messages.create(**arguments(vendor, fate, **more))


def used(usage):
    return (usage.input_tokens, usage.cache_read_input_tokens, usage.output_tokens)


def message(vendor):
    answer = ask(vendor)
    (block,) = answer.content
    assert (block.type, block.text) == ("text", SAID), answer
    assert (answer.type, answer.role) == ("message", "assistant"), answer
    assert answer.stop_reason == "end_turn" and answer.stop_sequence is None, answer
    assert used(answer.usage) == (3, 4, 5), answer
    assert answer.id and answer._request_id, answer


def stream(vendor):
    with client.messages.stream(**arguments(vendor)) as events:
        pieces = list(events.text_stream)
        answer = events.get_final_message()
    assert "".join(pieces) == SAID and len(pieces) > 3, pieces
    assert answer.content[0].text == SAID and answer.stop_reason == "end_turn", answer
    assert used(answer.usage) == (3, 4, 5), answer


def events(vendor):
    kinds = [event.type for event in ask(vendor, stream=True)]
    kinds = [kind for kind in kinds if kind not in ("ping", "content_block_delta")]
    assert kinds == [
        "message_start",
        "content_block_start",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ], kinds


def tools(vendor):
    answer = ask(vendor, messages=[QUESTION], tools=TOOLS)
    (call,) = answer.content
    assert (call.type, call.name, call.input) == ("tool_use", "weather", {"city": "Paris"}), answer
    assert answer.stop_reason == "tool_use", answer
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "21 degrees"}
    turns = [
        QUESTION,
        {"role": "assistant", "content": answer.content},
        {"role": "user", "content": [result]},
    ]
    answer = ask(vendor, messages=turns, tools=TOOLS)
    assert answer.content[0].text == "it is 21 degrees", answer


def streamed_tools(vendor):
    with client.messages.stream(
        **arguments(vendor, messages=[QUESTION], tools=TOOLS)
    ) as stream:
        answer = stream.get_final_message()
    (call,) = answer.content
    assert (call.type, call.name, call.input) == ("tool_use", "weather", {"city": "Paris"}), answer
    assert answer.stop_reason == "tool_use", answer


def thoughts(vendor):
    more = {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 4000}
    answer = ask(vendor, **more)
    thought, text = answer.content
    assert (thought.type, thought.thinking) == ("thinking", "Hm. Well."), answer
    assert text.text == SAID, answer
    turns = [*ASKED, {"role": "assistant", "content": answer.content}, QUESTION]
    again = ask(vendor, messages=turns, **more)
    assert "How warm is it?" in again.content[-1].text, again
    with client.messages.stream(**arguments(vendor, **more)) as stream:
        streamed = stream.get_final_message()
    assert [block.type for block in streamed.content] == ["thinking", "text"], streamed
    assert streamed.content[0].thinking == "Hm. Well.", streamed
    assert streamed.content[0].signature == thought.signature, streamed


def count_tokens(vendor):
    def count():
        return client.messages.count_tokens(model=vendor["model"], messages=[QUESTION])

    if vendor["counts"]:
        assert count().input_tokens == 14
    else:
        raises(anthropic.BadRequestError, 400, count)


def errors(vendor):
    stranger = client.with_options(api_key="sk-wrong")
    error = raises(
        anthropic.AuthenticationError, 401, lambda: stranger.messages.create(**arguments(vendor))
    )
    assert error.body["error"]["type"] == "authentication_error", error.body
    assert error.request_id, "every answer has a request id"
    error = raises(anthropic.BadRequestError, 400, lambda: ask(vendor, "-refused"))
    assert error.body["error"]["type"] == "invalid_request_error", error.body
    assert "bad field" in error.body["error"]["message"], error.body
    error = raises(anthropic.RateLimitError, 429, lambda: ask(vendor, "-limited"))
    assert error.body["error"]["type"] == "rate_limit_error", error.body
    assert 60 <= int(error.response.headers["retry-after"]) <= 90, error.response.headers
    assert error.response.headers["x-should-retry"] == "true", error.response.headers
    overloaded = anthropic._exceptions.OverloadedError
    error = raises(overloaded, 529, lambda: ask(vendor, "-overloaded"))
    assert error.body["error"]["type"] == "overloaded_error", error.body


def unknown_model(vendor):
    error = raises(
        anthropic.NotFoundError, 404, lambda: ask({"model": f"nobody-serves-{vendor['model']}"})
    )
    assert error.body["error"]["type"] == "not_found_error", error.body


def beta(vendor):
    """The same with a query, and a header that only Anthropic understands."""
    answer = client.beta.messages.create(**arguments(vendor, betas=["context-1m-2025-08-07"]))
    assert answer.content[0].text == SAID, answer


def batches(vendor):
    """They go to a key of Anthropic's own, whatever models their jobs name."""
    job = {"custom_id": "one", "params": arguments(vendor)}
    made = client.messages.batches.create(requests=[job])
    assert made.processing_status == "in_progress" and made.results_url is None, made
    listed = [batch.id for batch in client.messages.batches.list()]
    assert made.id in listed, listed
    # The SDK goes where the batch says that its results are.
    (line,) = client.messages.batches.results(made.id)
    assert line.custom_id == "one" and line.result.message.content[0].text == "done", line
    assert client.messages.batches.cancel(made.id).processing_status == "canceling"
    assert client.messages.batches.delete(made.id).id == made.id


def models(vendor):
    listed = list(client.models.list(limit=5))
    (found,) = [model for model in listed if model.id == vendor["model"]]
    assert found.type == "model" and found.display_name == found.id, found
    assert found.created_at.year > 2000, found
    assert client.models.retrieve(vendor["model"]).id == vendor["model"]


run(
    (
        message,
        stream,
        events,
        tools,
        streamed_tools,
        thoughts,
        count_tokens,
        beta,
        batches,
        models,
        unknown_model,
        errors,
    ),
    VENDORS,
)
