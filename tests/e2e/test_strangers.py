# SPDX-License-Identifier: BSD-2-Clause
"""Too many strangers: connections that say no ClientHello, half of one, or one for nobody."""

import contextlib
import os
import re
import signal
import socket
import time

import pytest

import measure as m
import tls_peer
import world as w
from measure import MIB

SUCCESS = b'{"message":"success"}\n'


def ended(s, seconds=10):
    """How a connection ends on which nothing but an alert is awaited: "fin" or "reset"."""
    s.settimeout(seconds * w.PATIENCE)
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
        s.settimeout(10 * w.PATIENCE)


def test_half_open_of_one_source(make_world):
    world = make_world()
    world.extra("public-proxy-1", {"limits": {"half_open_per_source": 20,
                                              "hello_timeout": "1h"}}, "920_limits")
    world.start().wait_ready()
    w.wait_until(lambda: not m.clients(world, "public-proxy"), 10, "idle")
    with contextlib.ExitStack() as stack:
        waiting = [stack.enter_context(world.connect()) for _ in range(20)]
        # Two workers accept: without this, one of these 20 may come after the 21st.
        w.wait_until(lambda: len(m.clients(world, "public-proxy")) == 20, 5, "all accepted")
        begin = time.monotonic()
        for _ in range(10):
            assert ended(stack.enter_context(world.connect())) in ("fin", "reset")
        assert all(is_open(s, 0.01) for s in waiting)
        # Another source is served all the time.
        world.stream("--up", 1000, "--down", 1000, "--connections", 5, "--from", "127.0.0.2")
        for s in waiting[:5]:
            s.close()
        w.wait_until(lambda: _answers(world), 5, "room again")
    said = re.findall(r"WARN .*limits\.half_open_per_source", world["public-proxy"].log())
    assert 1 <= len(said) <= 2 * (time.monotonic() - begin + 1), "a stranger can fill no log"


def is_quiet(s):
    """Open, and not a byte of an answer yet."""
    s.settimeout(0.01)
    try:
        s.recv(1, socket.MSG_PEEK)
    except TimeoutError:
        return True
    except OSError:
        pass
    return False


def test_who_waits_for_a_private_proxy_is_not_half_open(make_world):
    """Many behind one address may wait; limits.pending_per_operator is what bounds them."""
    world = make_world()
    world.extra("public-proxy-1", {"limits": {"half_open_per_source": 5, "half_open": 5,
                                              "pending_per_operator": 30}, "workers": 1},
                "920_limits")
    world.start().wait_ready()
    hello, _ = tls_peer.client_hello()
    os.kill(world["private-proxy"].pid, signal.SIGSTOP)
    try:
        with contextlib.ExitStack() as stack:
            clients = []
            for n in (20, 40):
                for _ in range(n):
                    clients.append(stack.enter_context(world.connect()))
                    clients[-1].sendall(hello)
                    time.sleep(0.02 * w.SLOW)
                if n == 20:
                    assert all(map(is_quiet, clients))
            w.wait_until(lambda: sum(map(is_quiet, clients)) <= 30, 5, "those beyond 30 are refused")
            assert sum(map(is_quiet, clients)) == 30
            world["public-proxy"].wait_log("reason=too many connections wait for this private")
    finally:
        os.kill(world["private-proxy"].pid, signal.SIGCONT)
    world.wait_ready(15)


def test_a_hello_byte_by_byte_costs_little(shared):
    """One-byte records, one at a time: it is not looked at from its start for each of them."""
    # A ClientHello of 16 KiB, as far as its first 15,000 bytes, none of which says more.
    content = bytes.fromhex("01003f00") + b"\3\3" + bytes(15000)
    proxy = shared["public-proxy"]
    with shared.connect() as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        before = m.cpu_time(proxy)
        for byte in content[:4000]:
            s.sendall(b"\x16\3\1\0\1" + bytes([byte]))
        bulk = b"".join(b"\x16\3\1\0\1" + bytes([byte]) for byte in content[4000:12000])
        s.sendall(bulk)
        for byte in content[12000:13000]:
            s.sendall(b"\x16\3\1\0\1" + bytes([byte]))
        assert is_open(s, 0.1), "a valid beginning so far"
        used = m.cpu_time(proxy) - before
    assert used < 0.25 * w.SLOW, f"{used:.2f} s; 0.6 s if it is looked at for each"


def test_half_open_in_all(make_world):
    world = make_world()
    world.extra("public-proxy-1", {"limits": {"half_open": 30, "half_open_per_source": 20,
                                              "hello_timeout": f"{w.longer(2)}s"}},
                "920_limits")
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
            assert tls_peer.http(served) == SUCCESS
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
    hello, _ = tls_peer.client_hello("unknown.example")
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
                assert tls_peer.http(served) == SUCCESS
                for s, _ in held:
                    s.close()
                held = []
        assert _answers(world)
    w.wait_until(lambda: m.open_files(public) < 120, 15, "descriptors are back")
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
