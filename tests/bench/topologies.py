# SPDX-License-Identifier: BSD-2-Clause
"""The chains that are compared: what each is made of, its settings, its processes.

Every chain tells two server names apart and leads to the same backend. All listen on loopback, on
ports of their own, and stay as their distribution compiled them; settings that are not the default
are in the texts below, with the reason. No chain logs connections.
"""

import contextlib
import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import measure

ROOT = Path(__file__).resolve().parents[2]
DEV = ROOT / "settings/dev"
TLS_NAME = "tls.internal-server.local"
PLAIN_NAME = "plain.internal-server.local"
FILES = resource.getrlimit(resource.RLIMIT_NOFILE)[1]


class Failure(Exception):
    """Something that should run does not; says what, and where to look."""


def free_ports(n):
    """Ports nobody listens on. They stay reserved until all are picked."""
    with contextlib.ExitStack() as stack:
        ports = []
        while len(ports) < n:
            s = stack.enter_context(socket.socket(socket.AF_INET6))
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            s.bind(("::", 0))
            ports.append(s.getsockname()[1])
        return ports


class Process:
    """A program in the foreground; its output goes into a log."""

    def __init__(self, name, command, log, env=None):
        self.name, self.log = name, log
        with open(log, "ab") as out:
            self.popen = subprocess.Popen([str(c) for c in command], env=env, cwd=ROOT,
                                          stdin=subprocess.DEVNULL, stdout=out, stderr=out)

    def stop(self):
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGTERM)
        try:
            self.popen.wait(15)
        except subprocess.TimeoutExpired:
            for pid in measure.family(self.popen.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.popen.wait()

    def check(self):
        if self.popen.poll() is not None:
            tail = self.log.read_text(errors="replace")[-1500:]
            raise Failure(f"{self.name} ended with status {self.popen.returncode}; "
                          f"{self.log}:\n{tail}")


class Topology:
    """One chain. `backend`: its TLS and its plain port."""

    key = title = ""
    cases = "*"  # those that it takes part in

    def __init__(self, directory, backend):
        self.dir = directory / self.key
        self.backend = backend
        self.processes = []
        self.address = None
        shutil.rmtree(self.dir, ignore_errors=True)
        self.dir.mkdir(parents=True)
        self.configure()

    def configure(self):
        """Write the settings, set the address that clients connect to."""

    def commands(self):
        """(name, command, environment or None) of each process, in the order to start them."""
        return []

    def start(self):
        for name, command, env in self.commands():
            self.processes.append(Process(f"{self.key} {name}", command,
                                          self.dir / f"{name}.log", {**os.environ, **(env or {})}))

    def stop(self):
        while self.processes:
            self.processes.pop().stop()

    def check(self):
        for process in self.processes:
            process.check()

    def groups(self):
        """Process name → pids, with children."""
        return {p.name.split(" ", 1)[1]: measure.family(p.popen.pid) for p in self.processes}


class Direct(Topology):
    key, title = "direct", "direct"

    def configure(self):
        self.addresses = {TLS_NAME: f"127.0.0.1:{self.backend[0]}",
                          PLAIN_NAME: f"127.0.0.1:{self.backend[1]}"}

    def target(self, name):
        return self.addresses[name]


class Chain(Topology):
    def target(self, _name):
        return self.address


class Passage(Chain):
    """Public and private proxy and two relays, with the settings of the dev roles on other ports.
    The log level is warn: at info both proxies write a line for each closed connection."""

    PORTS = (4433, 9999, 6655, 5544, 5556, 8877, 7766, 7776, 8888)

    def __init__(self, directory, backend, build, key, title, settings, cases="*"):
        self.key, self.title, self.bin = key, title, build / "bin"
        self.settings, self.cases = settings, cases
        super().__init__(directory, backend)

    def configure(self):
        ports = dict(zip(map(str, self.PORTS), map(str, free_ports(len(self.PORTS)))))
        dev = self.dir / "settings/dev"
        shutil.copytree(DEV, dev, ignore=shutil.ignore_patterns("certs", ".certs*"))
        (dev / "certs").symlink_to(DEV / "certs")
        for path in [*dev.glob("directory/*.json"), *dev.glob("roles/*/*.yml")]:
            path.write_text(re.sub(r"\blocalhost:(%s)\b" % "|".join(ports),
                                   lambda m: "127.0.0.1:" + ports[m[1]], path.read_text()))
        self.address = f"127.0.0.1:{ports['4433']}"
        announcements = [{"domain": name, "proxies": ["public-proxy-1.ga"],
                          "internal_address": f"127.0.0.1:{port}"}
                         for name, port in zip((TLS_NAME, PLAIN_NAME), self.backend)]
        extra = {"public": {"forwarding": "auto"},
                 "private": {"forwarding": "auto", "private": {"announcements": announcements}}}
        for role, settings in extra.items():
            folder = dev / f"roles/{role}-proxy-1"
            (folder / "800_bench.json").write_text(json.dumps(settings, indent=1))
            (folder / "900_variant.json").write_text(json.dumps(self.settings.get(role, {})))

    def commands(self):
        roles = self.dir / "settings/dev/roles"
        for side in ("public", "private"):
            yield (f"{side}-relay", [self.bin / "hyper", "--level", "warn", "server", "run"],
                   {"HYPER_SETTINGS": str(roles / f"{side}-proxy-hyper-1")})
        for side in ("public", "private"):
            yield (f"{side}-proxy", [self.bin / "proxy", "--level", "warn", "run", side],
                   {"PROXY_SETTINGS": str(roles / f"{side}-proxy-1")})


class Nginx(Chain):
    key, title = "nginx", "nginx + nginx"

    # The stream module's defaults, but for the limits, which are too low for 4,000 connections.
    CONFIG = """
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
worker_processes auto;
worker_rlimit_nofile %(files)d;
pid %(dir)s/%(name)s.pid;
error_log stderr warn;
events { worker_connections %(files)d; }
stream {
	map $ssl_preread_server_name $upstream {
		%(tls_name)s 127.0.0.1:%(tls)d;
		%(plain_name)s 127.0.0.1:%(plain)d;
	}
	server {
		listen 127.0.0.1:%(port)d backlog=4096;
		ssl_preread on;
		proxy_pass $upstream;
	}
}
"""

    def write(self, name, port, tls, plain):
        (self.dir / f"{name}.conf").write_text(self.CONFIG % {
            "files": FILES, "dir": self.dir, "name": name, "port": port, "tls": tls,
            "plain": plain, "tls_name": TLS_NAME, "plain_name": PLAIN_NAME})

    def configure(self):
        front, back = free_ports(2)
        self.write("front", front, back, back)
        self.write("back", back, *self.backend)
        self.address = f"127.0.0.1:{front}"

    def commands(self):
        for name in ("back", "front"):
            yield (name, ["nginx", "-c", self.dir / f"{name}.conf", "-p", self.dir,
                          "-e", "stderr", "-g", "daemon off;"], None)


class Haproxy(Chain):
    key, title = "haproxy", "HAProxy + HAProxy"

    # A connection takes two descriptors and, spliced, a pipe: maxconn has to leave room for all.
    # splice-auto is what its manual gives for bulk in TCP mode.
    CONFIG = """
global
	maxconn %(maxconn)d
	log stderr format raw local0 warning
defaults
	mode tcp
	timeout connect 10s
	timeout client 1h
	timeout server 1h
	option splice-auto
frontend tls
	bind 127.0.0.1:%(port)d backlog 4096
	tcp-request inspect-delay 5s
	tcp-request content accept if { req.ssl_hello_type 1 }
	use_backend plain if { req.ssl_sni -i %(plain_name)s }
	use_backend tls if { req.ssl_sni -i %(tls_name)s }
backend tls
	server s 127.0.0.1:%(tls)d
backend plain
	server s 127.0.0.1:%(plain)d
"""

    def write(self, name, port, tls, plain):
        (self.dir / f"{name}.cfg").write_text(self.CONFIG % {
            "maxconn": min(6000, FILES // 3), "port": port, "tls": tls, "plain": plain,
            "tls_name": TLS_NAME, "plain_name": PLAIN_NAME})

    def configure(self):
        front, back = free_ports(2)
        self.write("front", front, back, back)
        self.write("back", back, *self.backend)
        self.address = f"127.0.0.1:{front}"

    def commands(self):
        for name in ("back", "front"):
            yield name, ["haproxy", "-db", "-f", self.dir / f"{name}.cfg"], None


class Sniproxy(Nginx):
    key, title = "sniproxy", "sniproxy + nginx"

    SNIPROXY = """
user root
pidfile %(dir)s/sniproxy.pid
error_log {
	filename %(dir)s/error.log
	priority warn
}
listener 127.0.0.1:%(port)d {
	protocol tls
	table names
}
table names {
	%(tls_name)s 127.0.0.1:%(back)d
	%(plain_name)s 127.0.0.1:%(back)d
}
"""

    def configure(self):
        front, back = free_ports(2)
        (self.dir / "front.conf").write_text(self.SNIPROXY % {
            "dir": self.dir, "port": front, "back": back,
            "tls_name": TLS_NAME.replace(".", "\\."), "plain_name": PLAIN_NAME.replace(".", "\\.")})
        self.write("back", back, *self.backend)
        self.address = f"127.0.0.1:{front}"

    def commands(self):
        yield from (c for c in super().commands() if c[0] == "back")
        yield "front", ["sniproxy", "-f", "-n", FILES, "-c", self.dir / "front.conf"], None


class Backend(Process):
    """The server behind all of them."""

    def __init__(self, directory, build, certificate, key):
        self.ports = free_ports(2)
        super().__init__("backend", [build / "tests/bench/backend",
                                     *(f"127.0.0.1:{p}" for p in self.ports), certificate, key],
                         directory / "backend.log")


def wait_ready(topology, ask, seconds=20):
    """Until both names are answered. `ask(name)` → whether one is."""
    deadline = time.monotonic() + seconds
    for name in (TLS_NAME, PLAIN_NAME):
        while not ask(name):
            topology.check()
            if time.monotonic() > deadline:
                raise Failure(f"{topology.title} does not answer within {seconds} s as {name}; "
                              f"see {topology.dir}/*.log")
            time.sleep(0.05)
