# SPDX-License-Identifier: BSD-2-Clause
"""The internal port: tokens that are right, wrong, late, and used twice.

The private proxy is replaced by an HTTP server that hands us the notices.
"""

import base64
import os
import queue
import time

import pytest

import jsonrpc_peer
import tls_peer
import world as w
from test_hello import drain

ACCEPT_TIMEOUT = w.longer(2)


class Notices:
    """What a private relay posts to its proxy."""

    def __init__(self, port):
        self.queue = queue.Queue()
        self.server = jsonrpc_peer.Server(self._take, port)

    def _take(self, request):
        self.queue.put(request)
        return {"message": "ok"}

    def next(self):
        params = self.queue.get(timeout=10 * w.PATIENCE)["params"]
        return base64.b64decode(params["token"]), params

    def close(self):
        self.server.close()


@pytest.fixture(scope="module")
def public(tmp_path_factory):
    """A public proxy that knows a domain, and gives a connection some seconds to be claimed."""
    world = w.World(tmp_path_factory.mktemp("tokens"))
    world.extra("public-proxy-1", {"public": {"accept_timeout": ACCEPT_TIMEOUT}})
    world.start()
    try:
        world.wait_ready()
        world["private-proxy"].stop()
        world.notices = Notices(world.ports["private-proxy"])
        yield world
        world.notices.close()
    finally:
        problems = world.stop()
    assert not problems, problems


@pytest.fixture
def waiting(public):
    """A client whose hello has been sent, its token, and the notice."""
    hello, _ = tls_peer.client_hello()
    with public.connect() as client:
        client.sendall(hello)
        token, params = public.notices.next()
        yield client, hello, token, params


def closed_without_a_byte(s):
    """By RST: whoever dialled back may have an internal server at hand, which has to hear it."""
    return drain(s) == (b"", "reset")


def test_notice(waiting, public):
    _, _, token, params = waiting
    assert len(token) == 32
    assert params["domain"] == w.NAME
    assert params["endpoint"] == f"localhost:{public.ports['internal']}"
    assert params["_client"]["name"] == "public-proxy-1.ga"


def test_right_token(waiting, public):
    client, hello, token, _ = waiting
    with public.connect("internal") as s:
        s.sendall(token)
        data = b""
        while len(data) < len(hello):
            data += s.recv(65536)
        assert data == hello, "the hello as it was received, and nothing else"
        s.sendall(b"answer")
        assert client.recv(100) == b"answer"


def test_token_byte_by_byte(waiting, public):
    _, hello, token, _ = waiting
    with public.connect("internal") as s:
        for byte in token:
            s.sendall(bytes([byte]))
            time.sleep(0.005)
        assert s.recv(len(hello)) == hello


def test_bytes_behind_the_token(waiting, public):
    """What a private proxy sends early belongs to the stream."""
    client, _, token, _ = waiting
    with public.connect("internal") as s:
        s.sendall(token + b"early")
        assert client.recv(100) == b"early"


def test_wrong_token(waiting, public):
    client, hello, token, _ = waiting
    for wrong in (os.urandom(32), token[:31] + bytes([token[31] ^ 1]), bytes(32)):
        with public.connect("internal") as s:
            s.sendall(wrong)
            assert closed_without_a_byte(s)
    # The right one still works.
    with public.connect("internal") as s:
        s.sendall(token)
        assert s.recv(len(hello)) == hello
    assert client


def test_token_used_twice(waiting, public):
    _, hello, token, _ = waiting
    with public.connect("internal") as first, public.connect("internal") as second:
        first.sendall(token)
        assert first.recv(len(hello)) == hello
        second.sendall(token)
        assert closed_without_a_byte(second)
        # and the first goes on
        first.sendall(b"x")


def test_token_used_twice_at_once(waiting, public):
    _, hello, token, _ = waiting
    sockets = [public.connect("internal") for _ in range(8)]
    for s in sockets:
        s.sendall(token)
    got = []
    for s in sockets:
        s.settimeout(1)
        try:
            got.append(s.recv(len(hello)))
        except (TimeoutError, ConnectionResetError):
            got.append(None)
        s.close()
    assert sorted(map(bool, got)) == [False] * 7 + [True], got


def test_late_token(waiting, public):
    client, _, token, _ = waiting
    begin = time.monotonic()
    client.settimeout(10 * w.PATIENCE)
    data, _ = drain(client)
    assert time.monotonic() - begin > 0.75 * ACCEPT_TIMEOUT
    assert data == b"" or data[0] == 21
    with public.connect("internal") as s:
        s.sendall(token)
        assert closed_without_a_byte(s)


def test_half_a_token(public):
    with public.connect("internal", timeout=8) as s:
        s.sendall(bytes(16))
        assert closed_without_a_byte(s), "token_timeout is 5 s"


def test_client_gone_before_the_token(waiting, public):
    client, _, token, _ = waiting
    client.close()
    time.sleep(0.1)
    with public.connect("internal") as s:
        s.sendall(token)
        drain(s)
    assert public["public-proxy"].running()
