# SPDX-License-Identifier: BSD-2-Clause
"""The five processes of the demo, in a folder and on ports of their own."""

import contextlib
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import patience
import tls_peer
from tls_peer import CA, NAME

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("PASSAGE_BIN", ROOT / "build/bin")).resolve()
TOOLS = BIN.parent / "tests/tools"
DEV = ROOT / "settings/dev"
SANITIZED = BIN.parent.name == "san"
SLOW = 4 if SANITIZED else 1  # how much longer everything takes
PATIENCE = SLOW * patience.FACTOR  # times of this many seconds pass only where something hangs

STREAM_NAME = "stream.internal-server.local"
# What the dev settings listen on, beside the internal server.
PORTS = {
    "tls": 4433,
    "internal": 9999,
    "public-proxy": 6655,
    "public-relay": 5544,
    "public-grpc": 5556,
    "private-proxy": 8877,
    "private-relay": 7766,
    "private-grpc": 7776,
    "backend": 8888,
}
SANITIZER_REPORT = re.compile(
    r"ERROR: \w+Sanitizer|runtime error:|WARNING: \w+Sanitizer|SUMMARY: \w+Sanitizer"
)


def free_ports(n):
    """Ports nobody listens on, on either loopback. They stay reserved until all are picked, and are
    none that the kernel gives to a connection, so that nobody's connection takes one meanwhile."""
    with contextlib.ExitStack() as stack:
        ports = []
        while len(ports) < n:
            s = stack.enter_context(socket.socket(socket.AF_INET6))
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            with contextlib.suppress(OSError):
                s.bind(("::", random.randrange(10000, 32768)))
                ports.append(s.getsockname()[1])
        return ports


def wait_until(condition, seconds=10, what="condition", every=0.02):
    """The first true value of condition(); fails the test after `seconds` of a quiet machine."""
    deadline = time.monotonic() + seconds * PATIENCE
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds * PATIENCE:.0f} s: {what}")
        time.sleep(every)


def longer(seconds):
    """A time-out for the settings of a test that has something to do before it passes, or waits
    until it has: `seconds` on a quiet machine, in whole seconds."""
    return round(seconds * max(1, PATIENCE / 4))


def refused(call, *args, **kwargs):
    """call() has to end by what the other side does, not by the caller's own time-out."""
    try:
        call(*args, **kwargs)
    except TimeoutError as e:
        raise AssertionError("nobody has ended it") from e
    except OSError:
        return
    raise AssertionError("it was served")


class Process:
    def __init__(self, name, command, env, log, cwd, prefix=()):
        self.name, self.command, self.log_path = name, command, log
        self.env = {**os.environ, **env}
        self.cwd, self.prefix = cwd, list(prefix)
        self.stderr = None  # a descriptor instead of the log
        self.popen = None

    def start(self):
        assert not self.running(), f"{self.name} runs already"
        with open(self.log_path, "ab") as log:
            self.popen = subprocess.Popen(
                self.prefix + [str(c) for c in self.command],
                env=self.env, cwd=self.cwd, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log if self.stderr is None else self.stderr,
            )
        return self

    @property
    def pid(self):
        return self.popen.pid

    def running(self):
        return self.popen is not None and self.popen.poll() is None

    def stop(self, seconds=10):
        """SIGTERM; the exit status."""
        if self.running():
            self.popen.send_signal(signal.SIGTERM)
        try:
            return self.popen.wait(seconds * PATIENCE)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
            raise AssertionError(f"{self.name} did not stop within {seconds * PATIENCE:.0f} s") from None

    def kill(self):
        self.popen.kill()
        self.popen.wait()

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def wait_log(self, pattern, seconds=10, start=0):
        """The match of a pattern in what was logged from offset `start` on."""
        return wait_until(lambda: re.search(pattern, self.log()[start:]), seconds,
                          f"{pattern!r} in the log of {self.name}:\n{self.log()[start:][-3000:]}")

    def fds(self):
        """What its descriptors lead to, sorted."""
        found = []
        for fd in os.listdir(f"/proc/{self.pid}/fd"):
            with contextlib.suppress(FileNotFoundError):
                found.append(os.readlink(f"/proc/{self.pid}/fd/{fd}"))
        return sorted(found)

    def lasting_fds(self, control_ports):
        """How many descriptors it has, without the connections of the control network, which are
        kept open for the next call; and how many of those. Pipes are kept too, at most 68 a worker
        (user/plane/splice.c), and say nothing about connections that are gone."""
        kept = {f"socket:[{inode}]" for inode in connections(self.pid, control_ports)}
        fds = [fd for fd in self.fds() if not fd.startswith("pipe:")]
        return len([fd for fd in fds if fd not in kept]), len([fd for fd in fds if fd in kept])

    def maps(self):
        """BPF maps that the process holds: name → id."""
        found = {}
        for info in Path(f"/proc/{self.pid}/fdinfo").iterdir():
            with contextlib.suppress(OSError):
                m = re.search(r"^map_id:\s+(\d+)", info.read_text(), re.M)
                if m:
                    shown = bpftool("map", "show", "id", m[1])
                    found[shown.get("name", "")] = int(m[1])
        return found

    def map_entries(self, name):
        return bpftool("map", "dump", "id", str(self.maps()[name]))


def connections(pid, ports):
    """Inodes of TCP connections from or to one of these ports, in the process's namespace."""
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            f = line.split()
            ends = {int(end.rsplit(":", 1)[1], 16) for end in f[1:3]}
            if f[3] != "0A" and ends & set(ports):  # 0A: listening
                found.add(f[9])
    return found


def bpftool(*args):
    tool = shutil.which("bpftool") or "/usr/sbin/bpftool"
    out = subprocess.run([tool, "-j", *args], capture_output=True, text=True, timeout=20)
    try:
        return json.loads(out.stdout or "null")
    except ValueError:
        raise AssertionError(f"bpftool {args}: {out.stdout}{out.stderr}") from None


class World:
    """`dialect`: hyper or eps. `fixed`: the ports of the dev settings, for a namespace of its own.
    `prefixes`: process name → command prefix, e.g. ip netns exec. `parked`: how many connections the
    private proxy dials ahead, at least and at most; none, unless a test is about them, so that each
    connection takes the whole way."""

    ORDER = ("internal-server", "public-relay", "private-relay", "public-proxy", "private-proxy")

    def __init__(self, folder, dialect="hyper", fixed=False, prefixes=None, replace=None,
                 parked=(1, 0)):
        self.dir = Path(folder)
        self.dialect = dialect
        self.prefixes = prefixes or {}
        self.ports = dict(PORTS)
        if not fixed:
            self.ports = dict(zip(PORTS, free_ports(len(PORTS))))
        self.stream_port = free_ports(1)[0] if not fixed else 8889
        self.settings = self.dir / "settings/dev"
        self._copy_settings(replace or {})
        self.extra("private-proxy-1", {"private": {"parked": dict(zip(("min", "max"), parked))}},
                   "800_parked")
        (self.dir / "log").mkdir(parents=True, exist_ok=True)
        roles = self.settings / "roles"
        variable = dialect.upper() + "_SETTINGS"
        relay = [BIN / dialect, "--level", "debug", "server", "run"]
        proxy = [BIN / "proxy", "--level", "debug", "run"]
        self.processes = {}
        self._add("internal-server", [BIN / "internal-server"],
                  {"IS_BIND_ADDRESS": f"localhost:{self.ports['backend']}"})
        for side in ("public", "private"):
            self._add(f"{side}-relay", relay,
                      {variable: str(roles / f"{side}-proxy-{dialect}-1")})
            self._add(f"{side}-proxy", proxy + [side],
                      {"PROXY_SETTINGS": str(roles / f"{side}-proxy-1")})
        self._add("streamer", [TOOLS / "streamer", "server", "localhost", str(self.stream_port)],
                  {})

    def _add(self, name, command, env):
        env = {"ASAN_OPTIONS": "abort_on_error=0:exitcode=99", **env}
        self.processes[name] = Process(name, command, env, self.dir / "log" / f"{name}.log", ROOT,
                                       self.prefixes.get(name, ()))

    def _copy_settings(self, replace):
        """The dev settings, on our ports, with a second domain for the streamer."""
        shutil.copytree(DEV, self.settings, symlinks=True, dirs_exist_ok=True,
                        ignore=shutil.ignore_patterns("certs", ".certs*", "*.db*", "*.sqlite*"))
        (self.settings / "certs").symlink_to(DEV / "certs")
        numbers = {str(dev): str(self.ports[name]) for name, dev in PORTS.items()}
        pattern = re.compile(r"(:)(%s)\b" % "|".join(numbers))
        for path in self.settings.rglob("*"):
            if path.suffix in (".yml", ".json") and path.is_file() and "certs" not in path.parts:
                text = path.read_text()
                text = pattern.sub(lambda m: m[1] + numbers[m[2]], text)
                for old, new in replace.items():
                    text = text.replace(old, new)
                path.write_text(text)
        self.extra("private-proxy-1", {"private": {"announcements": [{
            "domain": STREAM_NAME,
            "proxies": ["public-proxy-1.ga"],
            "internal_address": f"localhost:{self.stream_port}",
        }]}})

    def extra(self, role, settings, name="900_test"):
        """Further settings for a role, merged last."""
        path = self.settings / "roles" / role / f"{name}.json"
        assert path.parent.is_dir(), path
        path.write_text(json.dumps(settings))

    def __getitem__(self, name):
        return self.processes[name]

    def start(self, *names):
        for name in names or (*self.ORDER, "streamer"):
            if not self[name].running():
                self[name].start()
        return self

    def wait_ready(self, seconds=15):
        """Until a request is answered through the whole chain; how long that took."""
        begin = time.monotonic()
        last = [None]

        def answered():
            try:
                return self.get() == b'{"message":"success"}\n'
            except OSError as e:
                last[0] = e
                for p in self.processes.values():
                    if p.popen is not None and p.popen.poll() not in (None, 0):
                        raise AssertionError(
                            f"{p.name} ended with status {p.popen.returncode}:\n{p.log()[-3000:]}"
                        ) from None
                return False

        try:
            wait_until(answered, seconds, "an answer through all processes", 0.05)
        except AssertionError as e:
            tails = "\n".join(f"--- {p.name}\n{p.log()[-1500:]}" for p in self.processes.values())
            raise AssertionError(f"{e}\nlast: {last[0]!r}\n{tails}") from None
        return time.monotonic() - begin

    def stop(self):
        """Stops all; problems found: name → exit status, and sanitizers' reports."""
        problems = {}
        for name, process in reversed(self.processes.items()):
            if process.popen is None:
                continue
            killed = process.popen.poll() == -signal.SIGKILL
            try:
                status = process.stop()
            except AssertionError as e:
                status = str(e)
            if status != 0 and not killed and name != "streamer":
                problems[name] = status
            report = SANITIZER_REPORT.search(process.log())
            if report:
                problems[name + " log"] = process.log()[report.start():][:4000]
        return problems

    @property
    def control_ports(self):
        return [port for name, port in self.ports.items()
                if name not in ("tls", "internal", "backend")]

    # ---- clients

    @property
    def tls_address(self):
        return ("127.0.0.1", self.ports["tls"])

    def connect(self, port="tls", timeout=10, family=socket.AF_INET):
        s = socket.socket(family, socket.SOCK_STREAM)
        s.settimeout(timeout * PATIENCE)
        s.connect(("127.0.0.1" if family == socket.AF_INET else "::1", self.ports[port]))
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return s

    def tls(self, name=NAME, timeout=10, context=None):
        raw = self.connect(timeout=timeout)
        try:
            return (context or tls_peer.client_context()).wrap_socket(raw, server_hostname=name)
        except BaseException:
            raw.close()
            raise

    def get(self, path="/jsonrpc", name=NAME, timeout=10):
        """The body of one answer on a fresh connection."""
        with self.tls(name, timeout) as s:
            return tls_peer.http(s, path, close=True)

    def curl(self, *args, path="/jsonrpc", name=NAME, timeout=60, prefix=(), host="127.0.0.1"):
        port = self.ports["tls"]
        return subprocess.run(
            [*prefix, "curl", "--silent", "--show-error", "--max-time", str(timeout * PATIENCE),
             "--cacert", str(CA), "--resolve", f"{name}:{port}:{host}", *args,
             f"https://{name}:{port}{path}"],
            capture_output=True, timeout=timeout * PATIENCE + 5,
        )

    def stream(self, *args, name=STREAM_NAME, seconds=60, check=True, host="127.0.0.1"):
        """Run the streaming client through the proxies; its report."""
        done = subprocess.run(
            [str(TOOLS / "streamer"), "client", host, str(self.ports["tls"]), "--hello", name,
             "--timeout", str(round(seconds * PATIENCE)), *map(str, args)],
            capture_output=True, text=True, timeout=seconds * PATIENCE + 10,
        )
        assert done.stdout, done.stderr
        report = json.loads(done.stdout.splitlines()[-1])
        if check:
            assert report["failed"] == 0, report
        return report
