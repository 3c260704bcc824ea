# SPDX-License-Identifier: BSD-2-Clause
"""ClientHellos of every shape, and what comes instead of one."""

import socket
import time

import pytest

import tls_peer
import world as w

UNRECOGNIZED_NAME = 112
SUCCESS = b'{"message":"success"}\n'


def drain(s, seconds=10):
    """All bytes up to the end of the connection, and how it ended."""
    s.settimeout(seconds * w.PATIENCE)
    data = b""
    while True:
        try:
            part = s.recv(65536)
        except ConnectionResetError:
            return data, "reset"
        if not part:
            return data, "fin"
        data += part


def alert(data):
    """The description of the one fatal alert in `data`."""
    assert len(data) == 7 and data[0] == 21 and data[3:5] == b"\0\2" and data[5] == 2, data
    return data[6]


def test_upper_case_name(shared):
    hello, session = tls_peer.client_hello(w.NAME)
    assert hello.count(w.NAME.encode()) == 1
    # Python lower-cases what it is given; the certificate is checked against NAME as before.
    # The server computes its transcript from what it gets, so both must see the same bytes:
    # let curl do the whole.
    upper = w.NAME.upper()
    done = shared.curl("--resolve", f"{upper}:{shared.ports['tls']}:127.0.0.1", name=upper)
    if done.returncode == 0:
        assert done.stdout == SUCCESS
    with shared.connect() as s:
        s.sendall(hello.replace(w.NAME.encode(), upper.encode()))
        answer = s.recv(5)
        assert answer[0] == 22, "a ServerHello, not an alert"
    assert session


def test_upper_case_name_openssl(shared):
    import subprocess
    done = subprocess.run(
        ["openssl", "s_client", "-quiet", "-connect", f"127.0.0.1:{shared.ports['tls']}",
         "-servername", "TEST.Internal-Server.LOCAL", "-CAfile", str(w.CA)],
        input=b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", capture_output=True,
        timeout=30)
    assert SUCCESS in done.stdout, done.stderr


def test_byte_by_byte(shared):
    hello, session = tls_peer.client_hello()
    with shared.connect() as s:
        for byte in hello:
            s.sendall(bytes([byte]))
            time.sleep(0.0005)
        assert tls_peer.converse(s, session).endswith(SUCCESS)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 63, 100, 200])
def test_split_over_records(shared, size):
    hello, session = tls_peer.client_hello()
    with shared.connect() as s:
        s.sendall(tls_peer.reframe(hello, size))
        assert tls_peer.converse(s, session).endswith(SUCCESS)


def test_one_handshake_byte_a_record_and_a_segment(shared):
    hello, session = tls_peer.client_hello()
    framed = tls_peer.reframe(hello, 1)
    with shared.connect() as s:
        for i in range(0, len(framed), 6):
            s.sendall(framed[i:i + 6])
        assert tls_peer.converse(s, session).endswith(SUCCESS)


def hello_of(size):
    """A ClientHello whose message is `size` bytes long."""
    # OpenSSL pads hellos between 256 and 511 bytes: measure a longer one.
    measured = len(tls_peer.messages(tls_peer.client_hello(alpn=["x" * 199] * 3)[0]))
    need = size - measured + 600  # the list of names: a length byte and the name, each
    names = []
    while need > 0:
        n = min(need, 256)
        if need - n == 1:
            n -= 1
        names.append("y" * (n - 1))
        need -= n
    hello, session = tls_peer.client_hello(alpn=names)
    return hello, session


@pytest.mark.parametrize("size", [2048, 8000, 16000, 16384])
def test_large(shared, size):
    hello, session = hello_of(size)
    assert len(tls_peer.messages(hello)) == size
    with shared.connect() as s:
        s.sendall(hello)
        assert tls_peer.converse(s, session).endswith(SUCCESS)


def test_large_in_small_pieces(shared):
    hello, session = hello_of(16000)
    with shared.connect() as s:
        for i in range(0, len(hello), 700):
            s.sendall(hello[i:i + 700])
            time.sleep(0.001)
        assert tls_peer.converse(s, session).endswith(SUCCESS)


def test_too_large(shared):
    """A message of 64 KiB is not waited for."""
    with shared.connect() as s:
        s.sendall(bytes.fromhex("1603014000") + bytes.fromhex("01010000") + bytes(16380))
        data, _ = drain(s)
    assert data == b"" or data[0] == 21
    assert shared.get() == SUCCESS


def test_never_comes(shared):
    begin = time.monotonic()
    with shared.connect(timeout=15) as s:
        drain(s, 8)
    took = time.monotonic() - begin
    assert took > 3, f"closed after {took:.1f} s; the deadline is 5 s"


def test_comes_too_slowly(shared):
    """A byte now and then does not move the deadline."""
    hello, _ = tls_peer.client_hello()
    with shared.connect(timeout=15) as s, \
            pytest.raises((BrokenPipeError, ConnectionResetError)):
        # At least three quarters of a minute for all of it; the deadline is 5 s.
        for byte in hello:
            s.sendall(bytes([byte]))
            time.sleep(0.2)


def test_plain_http(shared):
    with shared.connect() as s:
        start = len(shared["public-proxy"].log())
        s.sendall(b"GET / HTTP/1.1\r\nHost: test.internal-server.local\r\n\r\n")
        data, _ = drain(s)
    # At once, not when hello_timeout has passed.
    shared["public-proxy"].wait_log("closed: .*reason=not TLS", start=start)
    assert data == b"" or data[0] == 21


@pytest.mark.parametrize("name", ["unknown.example", "other.internal-server.local",
                                  "internal-server.local", "a." + w.NAME])
def test_unknown_name(shared, name):
    hello, _ = tls_peer.client_hello(name)
    with shared.connect() as s:
        s.sendall(hello)
        data, how = drain(s)
    assert alert(data) == UNRECOGNIZED_NAME
    assert how == "fin"


def test_unknown_name_for_curl(shared):
    done = shared.curl(name="unknown.internal-server.local")
    assert done.returncode == 35 and b"unrecognized name" in done.stderr, done.stderr


def test_no_name(shared):
    import contextlib
    import ssl
    context = ssl.create_default_context()
    context.check_hostname = False
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing)
    with contextlib.suppress(ssl.SSLWantReadError):
        tls.do_handshake()
    with shared.connect() as s:
        s.sendall(outgoing.read())
        data, _ = drain(s)
    assert alert(data) == UNRECOGNIZED_NAME


def test_trailing_dot(shared):
    hello, _ = tls_peer.client_hello(w.NAME)
    dotted = hello.replace(w.NAME.encode(), w.NAME.encode()[:-1] + b".")
    with shared.connect() as s:
        s.sendall(dotted)
        data, _ = drain(s)
    assert data[:1] == b"\x15"


def test_garbage(shared):
    import random
    rng = random.Random(2)
    hello, _ = tls_peer.client_hello()
    for i in range(200):
        broken = bytearray(hello)
        for _ in range(rng.randint(1, 8)):
            broken[rng.randrange(len(broken))] = rng.randrange(256)
        with shared.connect() as s:
            s.sendall(broken)
            s.shutdown(socket.SHUT_WR)
    assert shared.get() == SUCCESS
    assert shared["public-proxy"].running()


def test_many_that_never_come_do_not_block_others(shared):
    waiting = [shared.connect() for _ in range(100)]
    try:
        assert shared.get() == SUCCESS
    finally:
        for s in waiting:
            s.close()
