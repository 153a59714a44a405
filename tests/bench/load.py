#!/usr/bin/env python3
"""Foldgate beside nginx `proxy_pass`, on one machine, in turn.

The proxy alone is pinned to the first core this script may use; load generator
(wrk) and upstream share the second. Five repeats, alternating; medians. Prints
requests per second and the ratio, CPU per request and per relayed stream event,
and idle memory.

    tests/bench/run                (builds, installs nginx and wrk, calls this)
    tests/bench/load.py --seconds 5 --repeats 5
"""

import argparse
import contextlib
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
RELEASE = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"
OWNER_KEY = "sk-bench-owner-key-0123456789abcdefghij"
TICKS = os.sysconf("SC_CLK_TCK")
EVENTS = 500
REST = 1.0
"""Seconds until a process that just became ready is idle."""

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
    """The children of one run: none of them outlives it."""

    def __init__(self, directory, cores):
        self.dir = pathlib.Path(directory)
        self.log = self.dir / "stderr.log"
        self.proxy_core, self.load_core = cores
        self.children = []
        self.upstream = free_port()

    def __enter__(self):
        try:
            command = [RELEASE / "bench-upstream", self.upstream, EVENTS]
            self.spawn(self.load_core, command)
            wait_for(self.upstream)
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def __exit__(self, kind, error, trace):
        for child in reversed(list(self.children)):
            self.stop(child)
        if kind is not None and self.log.exists():
            lines = self.log.read_text(errors="replace").splitlines()
            print("\n".join(lines[-20:]), file=sys.stderr)

    def spawn(self, core, command, **more):
        """Starts a child on one core; the kernel ends it should this script be killed."""
        bound = ["setpriv", "--pdeathsig", "TERM", "--", "taskset", "-c", str(core)]
        with self.log.open("ab") as log:
            child = subprocess.Popen(
                [*bound, *map(str, command)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                **more,
            )
        self.children.append(child)
        return child

    def stop(self, child):
        """Ends a child, and the children it has (nginx's worker)."""
        family = children(child.pid) if child.poll() is None else []
        child.terminate()
        try:
            child.wait(20)
        except subprocess.TimeoutExpired:
            for pid in [*family, child.pid]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            child.wait()
        self.children.remove(child)

    def sent(self):
        """Stream events that the upstream has sent so far."""
        url = f"http://127.0.0.1:{self.upstream}/sent"
        with urllib.request.urlopen(url, timeout=5) as answer:
            return int(answer.read())

    def nginx(self, streaming):
        port = free_port()
        home = self.dir / f"nginx-{port}"
        home.mkdir()
        conf = home / "nginx.conf"
        buffering = "off" if streaming else "on"
        conf.write_text(
            NGINX.format(dir=home, port=port, upstream=self.upstream, buffering=buffering)
        )
        child = self.spawn(self.proxy_core, ["nginx", "-c", conf, "-e", home / "error.log"])
        wait_for(port)
        return child, port, None

    def foldgate_with_admin(self):
        """A fresh process, its proxy's port and its admin listener's."""
        ports = [free_port() for _ in range(3)]
        home = self.dir / f"foldgate-{ports[0]}"
        env = {
            "PATH": os.environ["PATH"],
            "FOLDGATE_PROXY_ADDR": f"127.0.0.1:{ports[0]}",
            "FOLDGATE_ADMIN_ADDR": f"127.0.0.1:{ports[1]}",
            "FOLDGATE_STATUS_ADDR": f"127.0.0.1:{ports[2]}",
            "FOLDGATE_ALLOWED_PROVIDER_CIDRS": "127.0.0.0/8",
            "FOLDGATE_DATA_DIR": str(home),
            "FOLDGATE_OWNER_KEY": OWNER_KEY,
            "FOLDGATE_ACCESS_LOG": "false",
        }
        child = self.spawn(self.proxy_core, [RELEASE / "foldgate", "standalone"], env=env)
        ready(ports[2])
        time.sleep(REST)
        return child, ports[0], ports[1]

    def foldgate(self, streaming):
        del streaming
        child, port, admin_port = self.foldgate_with_admin()
        idle = rss_mb(child.pid)
        key = {
            "SecretKey": "sk-upstream-0123456789abcdefghijkl",
            "Level": 1,
            "Provider": f"http://127.0.0.1:{self.upstream}",
        }
        admin(admin_port, "POST", "/x-keys", key)
        admin(admin_port, "PUT", "/x-config", {"LEVEL_MAPPER": "*=1"})
        return child, port, idle

    def wrk(self, port, call, seconds, connections):
        """Posts one body to one path, again and again."""
        path, body = call
        script = self.dir / "post.lua"
        text = json.dumps(body, separators=(",", ":"))
        script.write_text(LUA.format(body=text, key=OWNER_KEY))
        url = f"http://127.0.0.1:{port}{path}"
        command = ["taskset", "-c", str(self.load_core), "wrk", "-t1", "--timeout", "30s"]
        command += [f"-c{connections}", f"-d{seconds}s", "-s", str(script), url]
        limit = seconds + 60
        run = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=True)
        out = run.stdout
        found = re.search(r"RESULT (\d+) (\d+) (\d+) (\d+) (\d+)", out)
        requests, micros, errors, p50, p99 = map(int, found.groups())
        if errors:
            sys.exit(f"{errors} of {requests} requests failed:\n{out}")
        return requests, micros / 1e6, p50, p99

    def measure(self, make, streaming, args):
        body = {"model": "bench", "messages": [{"role": "user", "content": "Hello! " * 20}]}
        if streaming:
            body["stream"] = True
        call = ("/v1/chat/completions", body)
        child, port, idle = make(streaming)
        self.wrk(port, call, 1, args.connections)
        before, sent = cpu_seconds(child.pid), self.sent()
        requests, duration, p50, p99 = self.wrk(port, call, args.seconds, args.connections)
        cpu = cpu_seconds(child.pid) - before
        units = self.sent() - sent if streaming else requests
        self.stop(child)
        return {
            "rate": units / duration,
            "cpu_us": cpu * 1e6 / max(units, 1),
            "p50_ms": p50 / 1e3,
            "p99_ms": p99 / 1e3,
            "idle_mb": idle,
        }


def compare(bench, args, streaming):
    rows = {"nginx": [], "foldgate": []}
    for _ in range(args.repeats):
        for name, make in (("nginx", bench.nginx), ("foldgate", bench.foldgate)):
            rows[name].append(bench.measure(make, streaming, args))

    def median(name, field):
        return statistics.median(row[field] for row in rows[name])

    unit = "event" if streaming else "request"
    what = f"streams of {EVENTS} events" if streaming else "whole answers"
    times = f"{args.repeats} x {args.seconds} s, median"
    print(f"\n{what}, {args.connections} connections, {times}")
    for name in rows:
        print(
            f"  {name:9} {median(name, 'rate'):9.0f} {unit}s/s"
            f"  {median(name, 'cpu_us'):6.2f} us CPU/{unit}"
            f"  whole answer p50 {median(name, 'p50_ms'):.2f} ms"
            f"  p99 {median(name, 'p99_ms'):.2f} ms"
        )
    cpu = median("foldgate", "cpu_us") / median("nginx", "cpu_us")
    if streaming:
        print(f"  foldgate / nginx: {cpu:.2f} x the CPU (the upstream sets the pace)")
        return
    ratio = median("foldgate", "rate") / median("nginx", "rate")
    print(f"  foldgate / nginx: {ratio:.2f} of the requests/s, {cpu:.2f} x the CPU")
    print(f"  foldgate at rest: {median('foldgate', 'idle_mb'):.1f} MB")


def tools(*needed):
    """Looks for tools, and takes the second of two cores; gives both."""
    # Debian's nginx stands where only root's PATH leads.
    os.environ["PATH"] += os.pathsep + "/usr/sbin"
    for tool in (*needed, "taskset", "setpriv"):
        if not shutil.which(tool):
            sys.exit(f"{tool} is missing: tests/bench/run installs it")
    cores = sorted(os.sched_getaffinity(0))[:2]
    if len(cores) < 2:
        sys.exit("this bench needs two cores: one for the proxy, one for its load")
    # This script waits beside the load, not beside the proxy.
    os.sched_setaffinity(0, {cores[1]})
    # Ends in good order, with all children, whoever asks.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _: sys.exit(128 + received))
    return cores


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--connections", type=int, default=32)
    args = parser.parse_args()
    cores = tools("nginx", "wrk")
    with tempfile.TemporaryDirectory() as directory:
        # nginx's worker is another user when root starts it.
        os.chmod(directory, 0o755)
        with Bench(directory, cores) as bench:
            compare(bench, args, streaming=False)
            compare(bench, args, streaming=True)


if __name__ == "__main__":
    main()
