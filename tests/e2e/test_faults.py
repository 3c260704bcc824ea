# SPDX-License-Identifier: BSD-2-Clause
"""No descriptors, no map entries, too many strangers, and peers that vanish or never read.

Allocations that fail inside the kernel need CONFIG_FAULT_INJECTION, which distributions do not set;
maps that take no entry and limits of descriptors need nothing.
"""

import contextlib
import itertools
import os
import re
import shutil
import socket
import subprocess
import time

import pytest

import measure as m
import world as w
from measure import LONG, MIB, PROXIES

SUCCESS = b'{"message":"success"}\n'

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def limit_files(process, n):
    subprocess.run(["prlimit", f"--pid={process.pid}", f"--nofile={n}:"], check=True, timeout=10)


def open_files(process):
    return len(os.listdir(f"/proc/{process.pid}/fd"))


def highest_file(process):
    return max(int(fd) for fd in os.listdir(f"/proc/{process.pid}/fd"))


def ended(s, seconds=10):
    """How a connection ends on which nothing but an alert is awaited: "fin" or "reset"."""
    s.settimeout(seconds * w.SLOW)
    try:
        while s.recv(65536):
            pass
        return "fin"
    except ConnectionResetError:
        return "reset"


def is_open(s, seconds=0.3):
    s.settimeout(seconds)
    try:
        return bool(s.recv(1, socket.MSG_PEEK))
    except TimeoutError:
        return True
    except OSError:
        return False
    finally:
        s.settimeout(10 * w.SLOW)


# ---- descriptors


@needs_root
@pytest.mark.parametrize("forwarding", ["sockmap", "auto"])
def test_public_proxy_without_descriptors(make_world, forwarding):
    world = make_world()
    m.set_up(world, forwarding, parked=False)
    world.start().wait_ready()
    public = world["public-proxy"]
    with contextlib.ExitStack() as stack:
        served = stack.enter_context(world.tls())
        assert w.http(served) == SUCCESS
        start = len(public.log())
        limit_files(public, highest_file(public) + 1)
        for _ in range(60):
            stack.enter_context(world.connect())
        public.wait_log(r"accept: .*[Tt]oo many open files", start=start)
        # It waits, and what is open is served.
        assert m.cpu_load(public) < 0.2 * w.SLOW, "it spins"
        for _ in range(20):
            assert w.http(served) == SUCCESS
        lines = re.findall(r"ERROR .*accept: .*", public.log()[start:])
        # Each worker says it for each address that it listens on, once.
        assert 1 <= len(lines) <= 8, lines
        assert not world["private-proxy"].log().count(" ERROR ")
        limit_files(public, 20000)
        assert world.get() == SUCCESS
        assert w.http(served) == SUCCESS
    w.wait_until(lambda: open_files(public) < 100, 20, "descriptors are back")
    world.stream("--up", MIB, "--down", MIB, "--connections", 8)


@needs_root
def test_private_proxy_without_descriptors(make_world):
    world = make_world()
    m.set_up(world, parked=False)
    world.extra("public-proxy-1", {"public": {"accept_timeout": "1s"}}, "920_timeout")
    world.start().wait_ready()
    private = world["private-proxy"]
    with world.tls() as served:
        assert w.http(served) == SUCCESS
        start = len(private.log())
        limit_files(private, highest_file(private) + 1)
        begin = time.monotonic()
        refused = 0
        while refused < 3:
            try:
                world.get()
            except OSError:
                refused += 1
        assert time.monotonic() - begin < 8 * w.SLOW, "each client hears of it by accept_timeout"
        assert m.cpu_load(private) < 0.2 * w.SLOW, "it spins"
        assert re.search("(?i)too many open files", private.log()[start:]), private.log()[start:]
        for _ in range(20):
            assert w.http(served) == SUCCESS
        limit_files(private, 20000)
        world.wait_ready(10)
        assert w.http(served) == SUCCESS
    world.stream("--up", MIB, "--down", MIB, "--connections", 8)


# ---- maps


@needs_root
@pytest.mark.parametrize("kind", ["peers", "slots"])
@pytest.mark.parametrize("name", PROXIES)
def test_map_that_takes_no_entry(make_world, name, kind):
    """A frozen map refuses every update: the connections go through user space."""
    world = make_world()
    m.set_up(world, "sockmap", parked=False)
    world.start().wait_ready()
    maps = world[name].maps()
    w.wait_until(lambda: not world[name].map_entries(kind), 10, "an idle map")
    refused = w.bpftool("map", "freeze", "id", str(maps[kind]))
    if refused:
        pytest.skip(f"this map cannot be frozen: {refused}")
    fds = m.lasting(world, name)
    start = len(world[name].log())
    world.stream("--up", 4 * MIB, "--down", 4 * MIB, "--connections", 8, "--write", "1-262144")
    world.stream("--up", 10000, "--down", 10000, "--connections", 10, "--total", 100, "--answer-late")
    world.stream("--up", 10000, "--down", 10000, "--ping", 100)
    lines = w.wait_until(lambda: len(c := m.closed_lines(world[name], start)) >= 109 and c,
                         what="a line for each")
    assert all(l["path"] in ("copy", "splice", "sockmap") for l in lines)
    assert all(int(l["kernel_up"]) == int(l["kernel_down"]) == 0 for l in lines), lines[:3]
    w.wait_until(lambda: m.lasting(world, name) <= fds, 10, "descriptors are back")
    assert not world[name].map_entries("peers") and not world[name].map_entries("slots")


@needs_root
@pytest.mark.parametrize("name", PROXIES)
def test_map_that_is_full(make_world, name):
    world = make_world()
    # As many entries as two workers with a few connections need.
    m.set_up(world, "sockmap", {"connections": 64}, parked=False)
    world.start().wait_ready()
    map_id = str(world[name].maps()["slots"])
    size = w.bpftool("map", "show", "id", map_id)["max_entries"]
    w.wait_until(lambda: not world[name].map_entries("slots"), 10, "an idle map")
    for i in range(size):
        key = [str(b) for b in (2**63 + i).to_bytes(8, "little")]
        error = w.bpftool("map", "update", "id", map_id, "key", *key, "value", "255", "255", "255",
                          "255")
        assert not error, error
    start = len(world[name].log())
    world.stream("--up", 2 * MIB, "--down", 2 * MIB, "--connections", 8)
    lines = w.wait_until(lambda: len(c := m.closed_lines(world[name], start)) >= 8 and c,
                         what="a line for each")
    assert all(int(l["kernel_up"]) == int(l["kernel_down"]) == 0 for l in lines), lines
    for i in range(size):
        key = [str(b) for b in (2**63 + i).to_bytes(8, "little")]
        w.bpftool("map", "delete", "id", map_id, "key", *key)
    start = len(world[name].log())
    with world.tls() as s:
        for _ in range(30):
            assert w.http(s) == SUCCESS
    line = w.wait_until(lambda: m.closed_lines(world[name], start), what="a line")[0]
    assert int(line["kernel_down"]) > 0, "the map is used again"


@pytest.mark.parametrize("name", PROXIES)
def test_more_connections_than_allowed(make_world, name):
    """limits.connections: what is open goes on, what is too much ends at once, all comes back."""
    world = make_world()
    m.set_up(world, parked=False)
    world.extra(name + "-1", {"limits": {"connections": 20}}, "930_limits")
    world.extra("public-proxy-1", {"public": {"accept_timeout": "1s"}}, "920_timeout")
    world.start().wait_ready()
    with contextlib.ExitStack() as stack:
        kept = []
        for _ in range(19):
            s = stack.enter_context(world.tls())
            assert w.http(s) == SUCCESS
            kept.append(s)
        begin = time.monotonic()
        for _ in range(4):
            with pytest.raises(OSError):
                stack.enter_context(world.tls())
                stack.enter_context(world.tls())
        assert time.monotonic() - begin < 10 * w.SLOW
        for s in kept:
            assert w.http(s) == SUCCESS
    world.wait_ready(5)
    r = world.stream("--up", 1000, "--down", 1000, "--connections", 15, "--total", 60)
    assert r["ok"] == 60


# ---- too many strangers


def test_half_open_of_one_source(make_world):
    world = make_world()
    world.extra("public-proxy-1", {"limits": {"half_open_per_source": 20}}, "920_limits")
    world.start().wait_ready()
    w.wait_until(lambda: not m.clients(world, "public-proxy"), 10, "idle")
    with contextlib.ExitStack() as stack:
        waiting = [stack.enter_context(world.connect()) for _ in range(20)]
        # Two workers accept: without this, one of these 20 may come after the 21st.
        w.wait_until(lambda: len(m.clients(world, "public-proxy")) == 20, 5, "all accepted")
        begin = time.monotonic()
        for _ in range(10):
            assert ended(stack.enter_context(world.connect())) in ("fin", "reset")
        assert time.monotonic() - begin < 2 * w.SLOW, "at once, not after hello_timeout"
        assert all(is_open(s, 0.01) for s in waiting)
        # Another source is served all the time.
        world.stream("--up", 1000, "--down", 1000, "--connections", 5, "--from", "127.0.0.2")
        for s in waiting[:5]:
            s.close()
        w.wait_until(lambda: _answers(world), 5, "room again")
    assert not re.search(" (ERROR|WARN) .*half-open", world["public-proxy"].log()), \
        "a stranger can fill no log"


def test_half_open_in_all(make_world):
    world = make_world()
    world.extra("public-proxy-1", {"limits": {"half_open": 30, "half_open_per_source": 20,
                                              "hello_timeout": "2s"}}, "920_limits")
    world.start().wait_ready()
    with contextlib.ExitStack() as stack:
        with world.tls() as served:
            for source in ("127.0.0.3", "127.0.0.4"):
                for _ in range(20):
                    s = stack.enter_context(socket.socket())
                    s.bind((source, 0))
                    s.connect(world.tls_address)
            time.sleep(0.2)
            assert ended(stack.enter_context(world.connect()), 1) in ("fin", "reset")
            assert w.http(served) == SUCCESS
        w.wait_until(lambda: _answers(world), 6, "the half-open ones have timed out")


def _answers(world):
    try:
        return world.get(timeout=1) == SUCCESS
    except OSError:
        return False


@pytest.mark.limit(120)
def test_flood_of_hellos(make_world):
    """For a name that nobody has announced, and such that are never complete."""
    world = make_world()
    world.extra("public-proxy-1", {"limits": {"half_open_per_source": 100}}, "910_limits")
    world.start().wait_ready()
    public = world["public-proxy"]
    hello, _ = w.client_hello("unknown.example")
    memory = m.memory_of(public)
    n = 300 if w.SANITIZED else 2000
    held = []
    with world.tls() as served:
        for i in range(n):
            s = socket.socket()
            s.setblocking(False)
            s.bind((f"127.1.{i % 200}.1", 0))
            with contextlib.suppress(BlockingIOError):
                s.connect(world.tls_address)
            held.append((s, hello if i % 2 else hello[:-1]))
            if len(held) == 400 or i == n - 1:
                for s, data in held:
                    with contextlib.suppress(OSError):
                        s.setblocking(True)
                        s.settimeout(5)
                        s.sendall(data)
                assert w.http(served) == SUCCESS
                for s, _ in held:
                    s.close()
                held = []
        assert _answers(world)
    w.wait_until(lambda: open_files(public) < 120, 15, "descriptors are back")
    if not w.SANITIZED:
        assert m.memory_of(public) - memory < 8 * MIB


def test_half_open_hellos_cost_no_memory_of_ours(make_world):
    """16 KiB of each hello are there; they stay in the sockets."""
    world = make_world()
    world.start().wait_ready()
    public = world["public-proxy"]
    head = bytes.fromhex("1603014000") + bytes.fromhex("01003ffc0303")
    before = m.memory_of(public)
    with contextlib.ExitStack() as stack:
        for _ in range(200):
            s = stack.enter_context(world.connect())
            s.sendall(head + bytes(16000))
        time.sleep(0.5)
        if not w.SANITIZED:
            assert m.memory_of(public) - before < 200 * 4096
        assert m.cpu_load(public, seconds=0.5) < 0.1 * w.SLOW
        assert world.get() == SUCCESS


# ---- peers that vanish, stand still, or never read


def test_idle_pair_ends(make_world):
    world = make_world()
    m.set_up(world, limits={"idle_timeout": "2s"}, parked=False)
    world.start().wait_ready()
    start = len(world["public-proxy"].log())
    with world.tls() as idle, world.tls() as busy:
        assert w.http(idle) == SUCCESS
        begin = time.monotonic()
        idle.settimeout(0.05)
        while time.monotonic() - begin < 8 * w.SLOW:
            assert w.http(busy) == SUCCESS
            try:
                if not idle.recv(1):
                    break
            except TimeoutError:
                time.sleep(0.2)
            except OSError:
                break
        took = time.monotonic() - begin
        assert 1.5 < took < 6 * w.SLOW, took
        assert w.http(busy) == SUCCESS, "one that talks is not idle"
    lines = w.wait_until(lambda: len(c := m.closed_lines(world["public-proxy"], start)) >= 2 and c)
    assert any("idle" in l["reason"] or "reset" in l["reason"] for l in lines), lines


class FarClient:
    """A host of its own for the client, on a wire that can be cut."""

    numbers = itertools.count()

    def __init__(self):
        # A namespace goes away some time after it has been deleted.
        number = next(FarClient.numbers)
        tag = f"{os.getpid() % 100000}{number}"
        self.name, self.wire = f"psgc{tag}", f"psg{tag}"
        net = 4 * ((os.getpid() + number) % 64)
        self.near, self.far = f"198.51.100.{net + 1}", f"198.51.100.{net + 2}"

    def __enter__(self):
        ip = ["ip", "-n", self.name]
        for command in (["ip", "netns", "add", self.name],
                        ["ip", "link", "add", self.wire, "type", "veth", "peer", "name", "wire",
                         "netns", self.name],
                        ["ip", "address", "add", f"{self.near}/30", "dev", self.wire],
                        ["ip", "link", "set", self.wire, "up"],
                        [*ip, "address", "add", f"{self.far}/30", "dev", "wire"],
                        [*ip, "link", "set", "wire", "up"]):
            subprocess.run(command, check=True, capture_output=True, timeout=20)
        return self

    def cut(self):
        subprocess.run(["ip", "-n", self.name, "link", "set", "wire", "down"], check=True,
                       timeout=20)

    def __exit__(self, *_):
        subprocess.run(["ip", "link", "delete", self.wire], capture_output=True, timeout=20)
        subprocess.run(["ip", "netns", "delete", self.name], capture_output=True, timeout=20)


@needs_root
@pytest.mark.skipif(not shutil.which("ip"), reason="needs ip")
@pytest.mark.parametrize("doing", ["nothing", "upload", "download"])
@pytest.mark.limit(150)
def test_client_that_vanishes(make_world, doing):
    """No FIN, no RST, nothing any more: idle_timeout, or keepalive, ends both proxies' sockets."""
    world = make_world()
    limits = {"keepalive": "1s"} if LONG and doing == "nothing" else {"idle_timeout": "2s"}
    m.set_up(world, limits=limits, parked=False)
    with FarClient() as host:
        world.extra("public-proxy-1", {"public": {
            "tls_bind_address": f":{world.ports['tls']}"}}, "920_address")
        world.start().wait_ready()
        fds = {p: m.lasting(world, p) for p in PROXIES}
        size = {"nothing": (100, 100), "upload": (1 << 30, 0), "download": (0, 1 << 30)}[doing]
        client = subprocess.Popen(
            ["ip", "netns", "exec", host.name, w.TOOLS / "streamer", "client", host.near,
             str(world.ports["tls"]), "--hello", w.STREAM_NAME, "--timeout", "100", "--stall",
             "0:60000" if doing == "nothing" else "0:0", "--up", str(size[0]), "--down",
             str(size[1])], stdout=subprocess.DEVNULL)
        try:
            w.wait_until(lambda: len(m.sockets(world, world["public-proxy"])) == 2, 10, "a pair")
            time.sleep(0.3)
            host.cut()
            w.wait_until(lambda: not any(m.clients(world, p) for p in PROXIES),
                         100 if LONG else 15, "both proxies have let go", 0.2)
            for p in PROXIES:
                w.wait_until(lambda p=p: m.lasting(world, p) <= fds[p], 5, f"{p}: descriptors")
        finally:
            client.kill()
            client.wait()
        assert world.get() == SUCCESS


@pytest.mark.parametrize("forwarding", ["sockmap", "splice", "auto"])
def test_reader_that_never_reads(make_world, forwarding):
    """The server has said all and FIN, the client takes nothing: drain_timeout ends it."""
    world = make_world()
    m.set_up(world, forwarding, {"drain_timeout": "2s"}, parked=False)
    world.start().wait_ready()
    starts = {p: len(world[p].log()) for p in PROXIES}
    # More than one proxy holds with the send buffer of the other, whose part in it would then be
    # done; less than both hold.
    with m.Streaming(world, "--down", 6 * MIB, "--half-close", "--stall", "1000:60000", "--rcvbuf",
                     8192) as client:
        lines = {p: w.wait_until(lambda p=p: [c for c in m.closed_lines(world[p], starts[p])
                                              if c["name"] == w.STREAM_NAME], 12,
                                 f"{p} has ended it")[0] for p in PROXIES}
        assert client.report(check=False)["failed"] == 1, "a reset, no clean end"
    assert any("no progress" in l["reason"] for l in lines.values()), lines
    assert all("no progress" in l["reason"] or "reset" in l["reason"] for l in lines.values())
    assert world.get() == SUCCESS
