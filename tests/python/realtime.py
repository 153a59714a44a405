"""A session of the openai SDK with an upstream that speaks WebSocket by a library of
its own (websockets), in this process."""

import json
import os
import threading

from openai import OpenAI
from websockets.exceptions import ConnectionClosedError
from websockets.sync.server import serve

from checks import BASE_URL, KEY, run

MODEL = "gpt-realtime"
SECRET = os.environ["FOLDGATE_SECRET"]
SOUND = "A" * 200_000
USAGE = {
    "total_tokens": 12,
    "input_tokens": 7,
    "output_tokens": 5,
    "input_token_details": {"cached_tokens": 4, "text_tokens": 7, "audio_tokens": 0},
    "output_token_details": {"text_tokens": 5, "audio_tokens": 0},
}

client = OpenAI(
    base_url=BASE_URL,
    websocket_base_url=BASE_URL.replace("http", "ws", 1),
    api_key=KEY,
    max_retries=0,
    timeout=30,
)
seen = []


def upstream(socket):
    """What OpenAI would answer; a session that is updated to be odd is closed."""
    seen.append(socket.request)
    number = 0

    def say(kind, **more):
        nonlocal number
        number += 1
        socket.send(json.dumps({"type": kind, "event_id": f"event_{number}", **more}))

    session = {"type": "realtime", "model": MODEL}
    say("session.created", session=session)
    for message in socket:
        event = json.loads(message)
        if event["type"] == "session.update":
            if event["session"].get("instructions") == "leave":
                socket.close(4000, "we part")
                return
            say("session.updated", session={**session, **event["session"]})
        elif event["type"] == "input_audio_buffer.append":
            assert event["audio"] == SOUND, len(event["audio"])
        elif event["type"] == "response.create":
            place = {"response_id": "resp_1", "item_id": "item_1"}
            delta = {**place, "output_index": 0, "content_index": 0, "delta": SOUND}
            say("response.output_audio.delta", **delta)
            response = {"id": "resp_1", "object": "realtime.response", "status": "completed"}
            say("response.done", response={**response, "output": [], "usage": USAGE})


def session():
    with client.realtime.connect(model=MODEL) as connection:
        assert connection.recv().type == "session.created"
        connection.session.update(session={"type": "realtime", "instructions": "Be brief."})
        updated = connection.recv()
        assert updated.session.instructions == "Be brief.", updated
        # Longer than any buffer on the way, in both directions.
        connection.input_audio_buffer.append(audio=SOUND)
        connection.response.create()
        delta = connection.recv()
        assert delta.type == "response.output_audio.delta" and delta.delta == SOUND
        done = connection.recv()
        assert done.type == "response.done", done
        assert done.response.usage.input_tokens == 7, done
        assert done.response.usage.input_token_details.cached_tokens == 4, done
    request = seen[-1]
    assert request.path == f"/v1/realtime?model={MODEL}", request.path
    assert request.headers["authorization"] == f"Bearer {SECRET}"
    # Frames that are packed could not be read on the way.
    assert "sec-websocket-extensions" not in request.headers, request.headers
    assert KEY not in str(request.headers)


def closed_by_the_upstream():
    with client.realtime.connect(model=MODEL) as connection:
        assert connection.recv().type == "session.created"
        connection.session.update(session={"type": "realtime", "instructions": "leave"})
        try:
            connection.recv()
        except ConnectionClosedError as error:
            assert (error.rcvd.code, error.rcvd.reason) == (4000, "we part"), error
        else:
            raise AssertionError("it is not closed")


with serve(upstream, "127.0.0.1", int(os.environ["UPSTREAM_PORT"])) as server:
    threading.Thread(target=server.serve_forever, daemon=True).start()
    run((session, closed_by_the_upstream))
    server.shutdown()
