# SPDX-License-Identifier: BSD-2-Clause
"""Whatever a stranger can open, at any port, ends by itself and leaves nothing behind."""

import contextlib
import os
import signal
import socket
import time

import pytest

import measure as m
import tls_peer
import world as w

SUCCESS = b'{"message":"success"}\n'
MANY = 100 if w.SANITIZED else 500
PROXIES = m.PROXIES


def left_over(s):
    """True while the other side holds the connection."""
    s.setblocking(False)
    try:
        while s.recv(65536):
            pass
        return False
    except BlockingIOError:
        return True
    except OSError:
        return False


class Before:
    """What a process has now, so that it can be asked whether it has that again."""

    def __init__(self, world, *names):
        self.world = world
        self.fds = {name: m.lasting(world, name) for name in names}
        self.memory = {name: m.memory_of(world[name]) for name in names}

    def is_back(self, seconds=10, memory=2 * m.MIB):
        for name, fds in self.fds.items():
            w.wait_until(lambda n=name, f=fds: m.lasting(self.world, n) <= f, seconds,
                         f"{name}: {fds} descriptors again")
            if not w.SANITIZED:
                grown = m.memory_of(self.world[name]) - self.memory[name]
                assert grown < memory, f"{name} has grown by {grown} bytes"


def wait_gone(connections, seconds):
    def gone():
        return not any(left_over(s) for s in connections)

    w.wait_until(gone, seconds, "all have been closed by the other side", 0.1)


@pytest.fixture
def strict(make_world):
    """A world with short deadlines. One source is all the strangers here."""
    world = make_world()
    m.set_up(world, parked=False)
    limits = {"hello_timeout": "1s", "token_timeout": "1s", "half_open_per_source": 4096}
    world.extra("public-proxy-1", {"limits": limits, "public": {
        "accept_timeout": "1s", "jsonrpc_server": {"timeout": "1s"}}}, "920_limits")
    world.start().wait_ready()
    return world


PIECES = {
    "nothing": b"",
    "one byte": b"\x16",
    "half a hello": None,
    "half a record of 16 KiB": bytes.fromhex("160301400001003ffc0303") + bytes(8000),
}


@pytest.mark.parametrize("piece", PIECES)
def test_half_open_at_the_public_listener(strict, piece):
    hello, _ = tls_peer.client_hello()
    data = PIECES[piece] if PIECES[piece] is not None else hello[:len(hello) // 2]
    before = Before(strict, "public-proxy")
    with contextlib.ExitStack() as stack:
        connections = []
        for _ in range(MANY):
            s = stack.enter_context(strict.connect())
            s.sendall(data)
            connections.append(s)
        assert strict.get() == SUCCESS
        wait_gone(connections, 5)
        before.is_back(5)
    assert strict.get() == SUCCESS


def test_refused_that_do_not_go(strict):
    """Unknown names get their alert; who stays on is not waited for long."""
    hello, _ = tls_peer.client_hello("unknown.example")
    before = Before(strict, "public-proxy")
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(strict.connect()) for _ in range(MANY)]
        for s in connections:
            s.sendall(hello)
        w.wait_until(lambda: m.lasting(strict, "public-proxy") <= before.fds["public-proxy"], 8,
                     "nothing is held for them")
        wait_gone(connections, 5)
    before.is_back()
    assert strict.get() == SUCCESS


def test_refused_that_send_for_ever(strict):
    hello, _ = tls_peer.client_hello("unknown.example")
    before = Before(strict, "public-proxy")
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(strict.connect()) for _ in range(50)]
        for s in connections:
            s.sendall(hello)
            s.setblocking(False)
        open_ones = set(connections)
        deadline = time.monotonic() + 10 * w.PATIENCE
        while open_ones and time.monotonic() < deadline:
            for s in list(open_ones):
                try:
                    s.send(bytes(65536))
                except BlockingIOError:
                    pass
                except OSError:
                    open_ones.discard(s)
        assert not open_ones
        before.is_back()


@pytest.mark.parametrize("data", [b"", b"x", b"0" * 31], ids=["nothing", "a byte", "31 bytes"])
def test_dial_backs_without_a_token(strict, data):
    before = Before(strict, "public-proxy")
    with contextlib.ExitStack() as stack:
        connections = []
        for _ in range(MANY):
            s = stack.enter_context(strict.connect("internal"))
            s.sendall(data)
            connections.append(s)
        assert strict.get() == SUCCESS
        wait_gone(connections, 5)
        before.is_back(5)


def test_dial_backs_with_wrong_tokens(strict):
    before = Before(strict, "public-proxy")
    with contextlib.ExitStack() as stack:
        connections = []
        for _ in range(MANY):
            s = stack.enter_context(strict.connect("internal"))
            s.sendall(os.urandom(32))
            connections.append(s)
        wait_gone(connections, 5)
        before.is_back(5)
    assert strict.get() == SUCCESS


def test_more_dial_backs_than_allowed(make_world):
    world = make_world()
    m.set_up(world, parked=False)
    world.extra("public-proxy-1", {"limits": {"dial_backs": 20, "token_timeout": "2s"},
                                   "workers": 1}, "920_limits")
    world.start().wait_ready()
    with contextlib.ExitStack() as stack:
        connections = []
        for _ in range(100):
            with contextlib.suppress(ConnectionResetError):  # at once, in the midst of connect()
                connections.append(stack.enter_context(world.connect("internal")))
        w.wait_until(lambda: sum(map(left_over, connections)) <= 20, 2, "20 are kept")
        wait_gone(connections, 6)
    world.wait_ready(3)


@pytest.mark.limit(120)
def test_clients_whose_private_proxy_does_not_come(make_world):
    """limits.pending of them wait, for accept_timeout; the rest hears of it at once."""
    world = make_world()
    m.set_up(world, parked=False)
    world.extra("public-proxy-1", {"limits": {"pending": 20, "half_open_per_source": 4096},
                                   "workers": 1, "public": {"accept_timeout": "2s"}}, "920_limits")
    world.start().wait_ready()
    before = Before(world, "public-proxy")
    hello, _ = tls_peer.client_hello()
    os.kill(world["private-proxy"].pid, signal.SIGSTOP)
    try:
        with contextlib.ExitStack() as stack:
            connections = [stack.enter_context(world.connect()) for _ in range(100)]
            for s in connections:
                s.sendall(hello)
            w.wait_until(lambda: sum(map(left_over, connections)) <= 20, 1.5, "20 wait")
            wait_gone(connections, 10)
            before.is_back()
    finally:
        os.kill(world["private-proxy"].pid, signal.SIGCONT)
    world.wait_ready(15)


def test_half_open_at_the_control_port(strict):
    """The JSON-RPC server of the public proxy, over TLS: max_connections, and its time-out."""
    before = Before(strict, "public-proxy")
    with contextlib.ExitStack() as stack:
        connections = []
        for i in range(MANY):
            s = stack.enter_context(strict.connect("public-proxy"))
            with contextlib.suppress(OSError):
                s.sendall(bytes.fromhex("1603010200") if i % 2 else b"")
            connections.append(s)
        held = m.lasting(strict, "public-proxy") - before.fds["public-proxy"]
        assert held <= 256 + 8, f"{held} descriptors"
        assert m.cpu_load(strict["public-proxy"], seconds=0.5) < 0.5 * w.SLOW
        wait_gone(connections, 10)
        before.is_back(10, memory=16 * m.MIB)
    strict.wait_ready(10)


@pytest.mark.parametrize("piece", ["nothing", "hello", "request"])
def test_connections_at_the_private_proxys_control_port(make_world, piece):
    world = make_world()
    m.set_up(world, parked=False)
    world.extra("private-proxy-1", {"private": {"jsonrpc_server": {"timeout": "1s"}}}, "920_limits")
    world.start().wait_ready()
    before = Before(world, "private-proxy")
    data = {"nothing": b"", "hello": b"\x16\x03\x01",
            "request": b"POST /jsonrpc HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{"}[piece]
    with contextlib.ExitStack() as stack:
        connections = []
        for _ in range(MANY):
            s = stack.enter_context(world.connect("private-proxy"))
            with contextlib.suppress(OSError):
                s.sendall(data)
            connections.append(s)
        wait_gone(connections, 10)
        before.is_back(10, memory=8 * m.MIB)
    world.wait_ready(10)


def test_connections_that_come_and_go(strict):
    """Opened and reset at once, in every state: nothing grows."""
    hello, _ = tls_peer.client_hello()
    unknown, _ = tls_peer.client_hello("unknown.example")
    strict.wait_ready()

    def round_of(n):
        for i in range(n):
            s = strict.connect(("tls", "internal", "tls", "tls")[i % 4])
            with contextlib.suppress(OSError):
                s.sendall((b"", os.urandom(32), hello, unknown)[i % 4])
                if i % 3 == 0:
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            s.close()

    round_of(MANY // 2)  # what is allocated once
    time.sleep(1.5)
    before = Before(strict, *PROXIES)
    round_of(2 * MANY)
    before.is_back(15)
    for name in PROXIES:
        held = strict[name].maps()
        for kind in ("peers", "slots"):
            if kind in held:
                w.wait_until(lambda n=name, k=kind: not strict[n].map_entries(k), 10,
                             f"{name}: {kind} is empty")
    assert strict.get() == SUCCESS
