#!/usr/bin/env python3
"""Foldgate beside nginx `proxy_pass`, on one machine, in turn.

The proxy alone is pinned to core 0; load generator (wrk) and upstream share
core 1. Five repeats, alternating; medians. Prints requests per second and the
ratio, CPU per request and per relayed stream event, and idle memory.

    ./tests/run --bench            (builds, installs nginx and wrk, calls this)
    tests/bench/load.py --seconds 5 --repeats 5
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
RELEASE = ROOT / "target" / "release"
OWNER_KEY = "sk-bench-owner-key-0123456789abcdefghij"
TICKS = os.sysconf("SC_CLK_TCK")
EVENTS = 500

NGINX = """
daemon off; worker_processes 1; pid {dir}/nginx.pid; error_log {dir}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; client_body_temp_path {dir}/b; proxy_temp_path {dir}/p;
  fastcgi_temp_path {dir}/f; uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
  keepalive_requests 10000000;
  upstream llm {{ server 127.0.0.1:{upstream}; keepalive 64; keepalive_requests 10000000; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://llm; proxy_http_version 1.1; proxy_buffering {buffering};
      proxy_set_header Connection ""; proxy_set_header Host $host;
    }}
  }}
}}
"""

LUA = """
wrk.method = "POST"
wrk.body = '{body}'
wrk.headers["content-type"] = "application/json"
wrk.headers["authorization"] = "Bearer {key}"
done = function(summary, latency, requests)
  io.write(string.format("RESULT %d %d %d %d %d\\n", summary.requests, summary.duration,
    summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(port, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    sys.exit(f"nothing listens on port {port}")


def ready(port, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2).status == 200:
                return
        except OSError:
            pass
        time.sleep(0.02)
    sys.exit("foldgate is not ready")


def cpu_seconds(pid):
    """User and system time of a process and its children that run now."""
    total = 0
    for task in [pid, *children(pid)]:
        fields = pathlib.Path(f"/proc/{task}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def children(pid):
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        found += [int(c) for c in (task / "children").read_text().split()]
    return found


def rss_mb(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", text).group(1)) / 1024


def admin(port, method, path, body):
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}",
        data=json.dumps(body).encode(),
        method=method,
        headers={"authorization": f"Bearer {OWNER_KEY}", "content-type": "application/json"},
    )
    return json.load(urllib.request.urlopen(request, timeout=10))


class Bench:
    def __init__(self, directory):
        self.dir = pathlib.Path(directory)
        self.children = []
        self.upstream = free_port()
        self.spawn(1, [RELEASE / "bench-upstream", str(self.upstream), str(EVENTS)])
        wait_for(self.upstream)

    def spawn(self, core, command, **more):
        child = subprocess.Popen(
            ["taskset", "-c", str(core), *map(str, command)],
            stdout=subprocess.DEVNULL,
            stderr=open(self.dir / "stderr.log", "ab"),
            **more,
        )
        self.children.append(child)
        return child

    def stop(self, child):
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(20)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        self.children.remove(child)

    def nginx(self, streaming):
        port = free_port()
        home = self.dir / f"nginx-{port}"
        home.mkdir()
        conf = home / "nginx.conf"
        buffering = "off" if streaming else "on"
        conf.write_text(
            NGINX.format(dir=home, port=port, upstream=self.upstream, buffering=buffering)
        )
        child = self.spawn(0, ["nginx", "-c", conf, "-e", home / "error.log"])
        wait_for(port)
        return child, port, None

    def foldgate(self, streaming):
        del streaming
        ports = [free_port() for _ in range(3)]
        home = self.dir / f"foldgate-{ports[0]}"
        names = ["FOLDGATE_PROXY_ADDR", "FOLDGATE_ADMIN_ADDR", "FOLDGATE_STATUS_ADDR"]
        addresses = {name: f"127.0.0.1:{port}" for name, port in zip(names, ports)}
        env = {
            **os.environ,
            **addresses,
            "FOLDGATE_DATA_DIR": str(home),
            "FOLDGATE_OWNER_KEY": OWNER_KEY,
            "FOLDGATE_ACCESS_LOG": "false",
        }
        child = self.spawn(0, [RELEASE / "foldgate", "standalone"], env=env)
        ready(ports[2])
        idle = rss_mb(child.pid)
        key = {
            "SecretKey": "sk-upstream-0123456789abcdefghijkl",
            "Level": 1,
            "Provider": f"http://127.0.0.1:{self.upstream}",
        }
        admin(ports[1], "POST", "/x-keys", key)
        admin(ports[1], "PUT", "/x-config", {"LEVEL_MAPPER": "*=1"})
        return child, ports[0], idle

    def wrk(self, port, streaming, seconds, connections):
        body = {"model": "bench", "messages": [{"role": "user", "content": "Hello! " * 20}]}
        if streaming:
            body["stream"] = True
        script = self.dir / "post.lua"
        text = json.dumps(body, separators=(",", ":"))
        script.write_text(LUA.format(body=text, key=OWNER_KEY))
        url = f"http://127.0.0.1:{port}/v1/chat/completions"
        command = ["taskset", "-c", "1", "wrk", "-t1", f"-c{connections}", f"-d{seconds}s"]
        if streaming:
            command += ["--timeout", "30s"]
        out = subprocess.run(
            [*command, "-s", script, url], capture_output=True, text=True, check=True
        ).stdout
        found = re.search(r"RESULT (\d+) (\d+) (\d+) (\d+) (\d+)", out)
        requests, micros, errors, p50, p99 = map(int, found.groups())
        if errors:
            sys.exit(f"{errors} of {requests} requests failed:\n{out}")
        return requests, micros / 1e6, p50, p99

    def measure(self, make, streaming, seconds, connections):
        child, port, idle = make(streaming)
        self.wrk(port, streaming, 2 if streaming else 1, connections)
        before = cpu_seconds(child.pid)
        requests, duration, p50, p99 = self.wrk(port, streaming, seconds, connections)
        cpu = cpu_seconds(child.pid) - before
        self.stop(child)
        per = cpu * 1e6 / max(requests, 1)
        return {
            "rps": requests / duration,
            "cpu_us": per / EVENTS if streaming else per,
            "p50_us": p50,
            "p99_us": p99,
            "idle_mb": idle,
        }


def compare(bench, args, streaming):
    rows = {"nginx": [], "foldgate": []}
    for _ in range(args.repeats):
        for name, make in (("nginx", bench.nginx), ("foldgate", bench.foldgate)):
            row = bench.measure(make, streaming, args.seconds, args.connections)
            rows[name].append(row)
    median = lambda name, field: statistics.median(row[field] for row in rows[name])
    unit = "us CPU/event" if streaming else "us CPU/request"
    what = f"streams of {EVENTS} events" if streaming else "whole answers"
    print(f"\n{what}, {args.connections} connections, {args.repeats} x {args.seconds} s, median")
    for name in rows:
        print(
            f"  {name:9} {median(name, 'rps'):9.1f} req/s  {median(name, 'cpu_us'):7.2f} {unit}"
            f"  p50 {median(name, 'p50_us') / 1e3:.2f} ms  p99 {median(name, 'p99_us') / 1e3:.2f} ms"
        )
    ratio = median("foldgate", "rps") / median("nginx", "rps")
    cpu = median("foldgate", "cpu_us") / median("nginx", "cpu_us")
    print(f"  foldgate / nginx: {ratio:.2f} of the requests per second, {cpu:.2f} x the CPU")
    if not streaming:
        print(f"  idle memory of foldgate: {median('foldgate', 'idle_mb'):.1f} MB")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--connections", type=int, default=32)
    args = parser.parse_args()
    for tool in ("nginx", "wrk", "taskset"):
        if not shutil.which(tool):
            sys.exit(f"{tool} is missing: ./tests/run --bench installs it")
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        bench = Bench(directory)
        try:
            compare(bench, args, streaming=False)
            compare(bench, args, streaming=True)
        finally:
            for child in list(bench.children):
                bench.stop(child)


if __name__ == "__main__":
    main()
