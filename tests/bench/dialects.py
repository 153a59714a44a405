#!/usr/bin/env python3
"""What a translation costs beside the plain relay, on one machine, in turn.

The same request goes to upstreams of three dialects, whole and as a stream, and once
with an image of a megabyte; callers speak OpenAI's dialect and Anthropic's. CPU per
request and per relayed stream event, as a ratio to the relay that changes nothing.

    tests/bench/run                (builds, installs wrk, calls this)
    tests/bench/dialects.py --seconds 4 --repeats 3
"""

import argparse
import base64
import statistics
import sys
import tempfile

from load import Bench, admin, cpu_seconds, tools

PLAIN = ("openai", "openai")
WAYS = [
    PLAIN,
    ("openai", "anthropic"),
    ("openai", "gemini"),
    ("anthropic", "anthropic"),
    ("anthropic", "openai"),
    ("anthropic", "gemini"),
]
PATHS = {"openai": "/v1/chat/completions", "anthropic": "/v1/messages"}
TEXT = "Hello! " * 20


def serve(bench, admin_port):
    """A key for each dialect, and a model that leads to it."""
    mapper = []
    for level, dialect in enumerate(("openai", "anthropic", "gemini"), start=1):
        key = {
            "SecretKey": f"sk-upstream-{dialect}-0123456789abcdef",
            "Level": level,
            "Provider": f"http://127.0.0.1:{bench.upstream}",
            "Config": {"dialect": dialect},
        }
        admin(admin_port, "POST", "/x-keys", key)
        mapper += [f"to-{dialect}={level}", f"slow-{dialect}={level}"]
    admin(admin_port, "PUT", "/x-config", {"LEVEL_MAPPER": ",".join(mapper)})


def body(caller, target, kind, pace="to"):
    content = TEXT
    if kind == "image":
        data = base64.b64encode(bytes(range(256)) * 3072).decode()
        if caller == "openai":
            picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
        else:
            source = {"type": "base64", "media_type": "image/png", "data": data}
            picture = {"type": "image", "source": source}
        content = [{"type": "text", "text": TEXT}, picture]
    request = {
        "model": f"{pace}-{target}",
        "max_tokens": 1000,
        "messages": [{"role": "user", "content": content}],
    }
    if kind == "stream":
        request["stream"] = True
    return request


def measure(bench, way, kind, args):
    """CPU in microseconds for each unit of one way."""
    caller, target = way
    child, port, admin_port = bench.foldgate_with_admin()
    serve(bench, admin_port)
    call = (PATHS[caller], body(caller, target, kind))
    bench.wrk(port, call, 1, args.connections)
    before, sent = cpu_seconds(child.pid), bench.sent()
    requests, _, _, _ = bench.wrk(port, call, args.seconds, args.connections)
    cpu = cpu_seconds(child.pid) - before
    units = bench.sent() - sent if kind == "stream" else requests
    bench.stop(child)
    return cpu * 1e6 / max(units, 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--connections", type=int, default=32)
    args = parser.parse_args()
    cores = tools("wrk")
    with tempfile.TemporaryDirectory() as directory, Bench(directory, cores) as bench:
        for kind, unit in (("whole", "request"), ("stream", "event"), ("image", "request of 1 MB")):
            print(f"\n{kind}, {args.repeats} x {args.seconds} s, median")
            plain = None
            for way in WAYS:
                figures = [measure(bench, way, kind, args) for _ in range(args.repeats)]
                cpu = statistics.median(figures)
                plain = plain or cpu
                caller, target = way
                note = "" if way == PLAIN else f"  {cpu / plain:.2f} x the plain relay"
                print(f"  {caller:9} -> {target:9} {cpu:8.2f} us CPU/{unit}{note}")


if __name__ == "__main__":
    main()
