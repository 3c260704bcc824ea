# SPDX-License-Identifier: BSD-2-Clause
"""Connections that are dialled ahead, and the PROXY headers that begin and follow them."""

import re
import socket
import ssl
import struct
import threading
import time

import tls_peer
import world as w

SUCCESS = b'{"message":"success"}\n'
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def parked(world):
    """Connections that wait at the public proxy's internal port, as the kernel sees them."""
    port = world.ports["internal"]
    out = w.subprocess.run(["ss", "-Htn", "state", "established", f"( dport = :{port} )"],
                           capture_output=True, text=True, timeout=10).stdout
    return len(out.splitlines())


def wait_parked(world, n, seconds=10):
    w.wait_until(lambda: parked(world) >= n, seconds, f"{n} parked connections")


def test_no_rendezvous_is_needed(make_world):
    """Both relays may be gone: whoever is parked serves."""
    world = make_world(parked=(4, 4)).start()
    world.wait_ready()
    wait_parked(world, 4)
    for relay in ("public-relay", "private-relay"):
        world[relay].kill()
    for _ in range(4):
        assert world.get() == SUCCESS
    # And a fifth one has nobody to send for its private proxy.
    try:
        world.get()
        raise AssertionError("served without a parked connection and without relays")
    except ssl.SSLError as e:
        assert "INTERNAL_ERROR" in str(e)
    world.start("public-relay", "private-relay")
    world.wait_ready()
    wait_parked(world, 4)


def test_more_at_once_than_are_parked(make_world):
    world = make_world(parked=(1, 2)).start()
    world.wait_ready()
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(world.get())) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [SUCCESS] * 30


def test_demand(make_world):
    """Taken ones are replaced, and more are kept when more are needed."""
    world = make_world(parked=(2, 32)).start()
    world.wait_ready()
    wait_parked(world, 2)
    for _ in range(3):
        threads = [threading.Thread(target=world.get) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    wait_parked(world, 4)
    for _ in range(200):
        assert world.get() == SUCCESS
    assert parked(world) <= 32


def test_content(make_world):
    """What moves over them is as whole as any other stream."""
    world = make_world(parked=(4, 16)).start()
    world.wait_ready()
    wait_parked(world, 4)
    world.stream("--up", 20_000_000 // w.SLOW, "--down", 20_000_000 // w.SLOW, "--connections", 4,
                 "--write", "1-65536")
    world.stream("--up", 100_000, "--down", 100_000, "--connections", 8, "--answer-late")


def test_restarts(make_world):
    world = make_world(parked=(4, 4)).start()
    world.wait_ready()
    for name in ("public-proxy", "private-proxy", "public-relay", "private-relay"):
        wait_parked(world, 4)
        world[name].kill()
        world.start(name)
        world.wait_ready()
    wait_parked(world, 4)


def test_retired_ones_are_replaced(make_world):
    """A connection that waits too long is closed by the public proxy, and dialled again."""
    world = make_world(parked=(3, 3))
    world.extra("public-proxy-1", {"public": {"park_timeout": "1s"}})
    world.start().wait_ready()
    end = time.monotonic() + 4
    while time.monotonic() < end:
        assert world.get() == SUCCESS
        time.sleep(0.05)
    wait_parked(world, 3)


class Backend:
    """A plain server that keeps what comes first on each connection, and answers one byte."""

    def __init__(self, port):
        self.listener = socket.create_server(("127.0.0.1", port))
        self.got = []
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                s, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(s,), daemon=True).start()

    def serve(self, s):
        with s:
            s.settimeout(10 * w.PATIENCE)
            data = b""
            while b"hello-end" not in data:
                part = s.recv(4096)
                if not part:
                    break
                data += part
            self.got.append(data)
            s.sendall(b"!")

    def close(self):
        self.listener.close()


def ask_backend(world):
    hello, _ = tls_peer.client_hello(w.STREAM_NAME)
    with world.connect() as s:
        client = s.getsockname()
        s.sendall(hello + b"hello-end")
        answer = s.recv(16)
        assert answer == b"!", answer
    return client, hello


def world_with_backend(make_world, version, **options):
    world = make_world(**options)
    world.extra("private-proxy-1", {"private": {"internal_endpoint": {"send_proxy": version}}},
                "950_test")
    return world, Backend(world.stream_port)


def start_without_streamer(world):
    world.start(*world.ORDER)
    # The internal server of the example knows no PROXY header: only the backend is asked.
    wait_parked(world, 2)


def test_the_internal_server_sees_the_client(make_world):
    for version in ("v1", "v2"):
        world, backend = world_with_backend(make_world, version, parked=(2, 2))
        start_without_streamer(world)
        client, hello = ask_backend(world)
        data = backend.got[-1]
        backend.close()
        if version == "v1":
            line, rest = data.split(b"\r\n", 1)
            assert line.decode().split() == ["PROXY", "TCP4", "127.0.0.1", "127.0.0.1",
                                             str(client[1]), str(world.ports["tls"])]
        else:
            assert data[:12] == SIGNATURE and data[12:14] == b"\x21\x11"
            length = struct.unpack("!H", data[14:16])[0]
            assert struct.unpack("!H", data[24:26])[0] == client[1]
            assert w.STREAM_NAME.encode() in data[28:16 + length]
            rest = data[16 + length:]
        assert rest == hello + b"hello-end"


def test_a_rendezvous_tells_no_client(make_world):
    """Without a parked connection the private proxy does not know who the client is."""
    world, backend = world_with_backend(make_world, "v1")
    world.start(*world.ORDER)

    def answered():
        try:
            return ask_backend(world)
        except (OSError, AssertionError):
            return None

    _, hello = w.wait_until(answered, 10, "an answer of the backend", 0.1)
    assert backend.got[-1] == b"PROXY UNKNOWN\r\n" + hello + b"hello-end"
    backend.close()


def test_a_load_balancer_in_front(make_world):
    world = make_world(parked=(2, 2))
    world.extra("public-proxy-1", {"public": {"proxy_protocol": "required"},
                                   "anonymize_clients": False}, "950_test")
    world.start()
    wait_parked(world, 2)

    def request(header, pause=0.0):
        raw = world.connect()
        for part in (header[:5], header[5:]):
            raw.sendall(part)
            time.sleep(pause)
        with tls_peer.client_context().wrap_socket(raw, server_hostname=w.NAME) as s:
            return tls_peer.http(s, "/jsonrpc", close=True)

    assert request(b"PROXY TCP4 192.0.2.7 198.51.100.1 4711 443\r\n") == SUCCESS
    v2 = SIGNATURE + b"\x21\x11\0\x0c" + bytes([192, 0, 2, 8, 198, 51, 100, 1]) + b"\x12\x34\x01\xbb"
    assert request(v2, 0.05) == SUCCESS
    assert request(SIGNATURE + b"\x20\x00\0\0") == SUCCESS
    log = w.wait_until(lambda: "client=192.0.2.8" in world["public-proxy"].log() and
                       world["public-proxy"].log(), 5, "the client in the log")
    assert "client=192.0.2.7:4711" in log
    # The private proxy is told, too.
    assert re.search(r"client=192\.0\.x\.x", world["private-proxy"].log())
    # Without a header: closed, and nothing is answered.
    with world.connect() as s:
        s.sendall(tls_peer.client_hello()[0])
        try:
            assert s.recv(100) == b""
        except ConnectionResetError:
            pass
