#!/usr/bin/env python3
"""Memory of many slow streams: 2,000 at once, one event a second each.

Prints the memory of the proxy at rest, with all of them open, and every tenth of the
time after that, so that growth shows. Plain and translated streams, half and half.

    tests/bench/run                          (builds, calls this)
    tests/bench/streams.py --seconds 600
    tests/bench/streams.py --data-plane      (a node of a fleet, without a control plane in it)
"""

import argparse
import base64
import json
import os
import re
import resource
import selectors
import socket
import subprocess
import sys
import tempfile
import time

from dialects import body, serve
from load import OWNER_KEY, RELEASE, ROOT, Bench, free_port, ready, rss_mb, tools, wait_for


def data_plane(bench):
    """A node of a fleet on one nats-server: its process, its proxy's port, and the admin
    listener's of the control plane beside it."""
    names = ("nats", "monitor", "leaf", "proxy", "admin", "control", "node")
    ports = {name: free_port() for name in names}
    values = {
        "NAME": "hub-1",
        "HOST": "127.0.0.1",
        "PORT": ports["nats"],
        "MONITOR_PORT": ports["monitor"],
        "LEAF_PORT": ports["leaf"],
        "STORE_DIR": bench.dir / "nats",
    }
    hub = (ROOT / "deploy/nats/hub.conf").read_text()
    hub = re.sub(r"@(\w+)@", lambda found: str(values.get(found[1], "bench")), hub)
    (bench.dir / "hub.conf").write_text(hub)
    tool = ROOT / "target/tools/nats-server"
    server = tool if tool.is_file() else next(at for at in tool.rglob("nats-server") if at.is_file())
    bench.spawn(bench.load_core, [server, "--config", bench.dir / "hub.conf"])
    wait_for(ports["nats"])
    key = base64.b64encode(os.urandom(32)).decode()

    def env(role, more):
        return {
            "PATH": os.environ["PATH"],
            "FOLDGATE_MASTER_KEY": key,
            "FOLDGATE_OWNER_KEY": OWNER_KEY,
            "FOLDGATE_NATS_URL": f"nats://{role}:bench@127.0.0.1:{ports['nats']}",
            "FOLDGATE_NATS_MONITOR_URL": f"http://127.0.0.1:{ports['monitor']}",
            "FOLDGATE_ALLOWED_PROVIDER_CIDRS": "127.0.0.0/8",
            "FOLDGATE_ACCESS_LOG": "false",
            "FOLDGATE_DATA_DIR": str(bench.dir / role),
            **{name: f"127.0.0.1:{ports[port]}" for name, port in more.items()},
        }

    program = RELEASE / "foldgate"
    made = env("bootstrap", {})
    subprocess.run([program, "log", "init"], env=made, check=True, stdout=subprocess.DEVNULL)
    control = {"FOLDGATE_ADMIN_ADDR": "admin", "FOLDGATE_STATUS_ADDR": "control"}
    bench.spawn(bench.load_core, [program, "control-plane"], env=env("control", control))
    ready(ports["control"])
    node = {"FOLDGATE_PROXY_ADDR": "proxy", "FOLDGATE_STATUS_ADDR": "node"}
    child = bench.spawn(bench.proxy_core, [program, "data-plane"], env=env("node", node))
    ready(ports["node"])
    return child, ports["proxy"], ports["admin"]


def opened(port, target):
    """A connection on which a slow stream has been asked for."""
    request = body("openai", target, "stream", "slow")
    text = json.dumps(request, separators=(",", ":")).encode()
    head = (
        "POST /v1/chat/completions HTTP/1.1\r\nhost: bench\r\n"
        f"authorization: Bearer {OWNER_KEY}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(text)}\r\n\r\n"
    )
    sock = socket.create_connection(("127.0.0.1", port), timeout=30)
    sock.sendall(head.encode() + text)
    sock.setblocking(False)
    return sock


class Readers:
    """All streams; each is read as it comes."""

    def __init__(self):
        self.selector = selectors.DefaultSelector()
        self.begun = set()
        self.bytes = 0

    def add(self, sock):
        self.selector.register(sock, selectors.EVENT_READ)

    def read_for(self, seconds, enough=None):
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            for key, _ in self.selector.select(min(left, 0.2)):
                data = key.fileobj.recv(65536)
                if not data:
                    sys.exit("a stream ended")
                if key.fd not in self.begun:
                    if not data.startswith(b"HTTP/1.1 200"):
                        sys.exit(f"refused: {data[:300]!r}")
                    self.begun.add(key.fd)
                self.bytes += len(data)
            if enough and len(self.begun) >= enough:
                return


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--streams", type=int, default=2000)
    parser.add_argument("--data-plane", action="store_true")
    args = parser.parse_args()
    cores = tools()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory() as directory, Bench(directory, cores) as bench:
        begin = data_plane if args.data_plane else Bench.foldgate_with_admin
        child, port, admin_port = begin(bench)
        serve(bench, admin_port)
        print(f"\n{args.streams} slow streams; at rest {rss_mb(child.pid):.1f} MB")
        readers = Readers()
        for at in range(args.streams):
            readers.add(opened(port, ("openai", "anthropic")[at % 2]))
            if at % 50 == 49:
                readers.read_for(0.05)
        readers.read_for(60, enough=args.streams)
        if len(readers.begun) < args.streams:
            sys.exit(f"only {len(readers.begun)} streams began")
        print(f"  all open: {rss_mb(child.pid):.1f} MB")
        for tenth in range(1, 11):
            before = readers.bytes
            readers.read_for(args.seconds / 10)
            print(
                f"  after {args.seconds * tenth / 10:5.0f} s: {rss_mb(child.pid):.1f} MB"
                f"  ({(readers.bytes - before) / 1e3:.0f} kB read)"
            )


if __name__ == "__main__":
    main()
