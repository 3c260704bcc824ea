# SPDX-License-Identifier: BSD-2-Clause
"""Bytes, FIN and RST through both proxies, with content that knows its place."""

import json
import os
import random
import re
import signal
import socket
import struct
import threading
import time

import pytest

import tls_peer
import world as w

MIB = 1024 * 1024
BULK = (20 if w.SANITIZED else 200) * MIB


@pytest.mark.limit(180)
def test_bulk_both_ways_on_one_connection(shared):
    r = shared.stream("--up", BULK, "--down", BULK, seconds=150)
    assert (r["sent"], r["received"]) == (BULK, BULK)


def test_half_close_then_answer(shared):
    """Upload, FIN, and only then the answer."""
    shared.stream("--up", 3 * MIB, "--down", 5 * MIB, "--answer-late", "--connections", 4)


def test_half_close_from_the_client_first(shared):
    shared.stream("--up", 100, "--down", 20 * MIB, "--half-close")


def test_slow_upload(shared):
    shared.stream("--up", 200000, "--down", 0, "--write", "1-5000", "--pause", "50:2000")


def test_half_close_from_the_server_first(make_world):
    """The server says all it has and FIN, and then still gets all that the client sends."""
    world = make_world()
    hello, _ = tls_peer.client_hello(w.STREAM_NAME)
    up, down = 3 * MIB, 2 * MIB
    got = []

    def serve(listener):
        s, _ = listener.accept()
        with s:
            n = 0
            while n < len(hello):
                n += len(s.recv(65536))
            s.sendall(b"d" * down)
            s.shutdown(socket.SHUT_WR)
            while part := s.recv(65536):
                n += len(part)
            got.append(n)

    with socket.create_server(("127.0.0.1", world.stream_port)) as listener:
        server = threading.Thread(target=serve, args=(listener,), daemon=True)
        server.start()
        world.start(*world.ORDER).wait_ready()
        with world.connect() as s:
            s.sendall(hello)
            n = 0
            while part := s.recv(65536):
                n += len(part)
            assert n == down
            time.sleep(0.2)
            s.sendall(b"u" * up)
            s.shutdown(socket.SHUT_WR)
            server.join(30 * w.PATIENCE)
    assert got == [len(hello) + up]


def test_fin_right_behind_the_hello(shared):
    shared.stream("--up", 0, "--down", 1000, "--half-close", "--connections", 20, "--total", 100)


@pytest.mark.limit(120)
def test_many_sizes_and_pauses(shared):
    shared.stream("--up", MIB, "--down", MIB, "--connections", 32, "--write", "1-262144",
                  "--pause", "10:5000", "--nodelay", seconds=100)


def test_conversation_in_turns(shared):
    r = shared.stream("--up", 200000, "--down", 200000, "--ping", 100)
    assert r["round_trip_us"]["n"] == 2000


def test_slow_reader(shared):
    shared.stream("--down", 3 * MIB, "--read-rate", 2 * MIB, "--rcvbuf", 8192)


@pytest.mark.limit(120)
def test_stalled_reader_gets_all(shared):
    shared.stream("--down", 64 * MIB, "--up", 64 * MIB, "--stall", f"{MIB}:3000", seconds=100)


@pytest.mark.limit(180)
def test_short_connections(shared):
    n = 300 if w.SANITIZED else 2000
    r = shared.stream("--up", 100, "--down", 100, "--connections", 25, "--total", n, seconds=150)
    assert r["ok"] == n


def test_rst_from_the_client(shared):
    start = len(shared["streamer"].log())
    r = shared.stream("--up", 100000, "--down", 1000, "--reset-sent", 50000)
    assert r["ok"] == 1
    line = shared["streamer"].wait_log(r'\{.*"end":"reset".*\}', start=start)[0]
    assert "Connection reset by peer" in json.loads(line)["why"]


def test_rst_from_the_client_in_a_download(shared):
    start = len(shared["streamer"].log())
    shared.stream("--down", 100 * MIB, "--reset-received", MIB)
    shared["streamer"].wait_log(r'"end":"reset"', start=start)


@pytest.fixture
def resetting(make_world):
    """A world whose streaming server resets after it has sent 50,000 bytes."""
    world = make_world()
    world["streamer"].command += ["--reset-sent", "50000"]
    world.start().wait_ready()
    return world


def test_rst_from_the_server(resetting):
    r = resetting.stream("--down", 100000, "--up", 10, "--expect-reset", "--connections", 20)
    assert r["ok"] == 20
    m = resetting["public-proxy"].wait_log(r"closed: .*name=stream\.\S+ .*reason=(.*)")
    assert re.search(r"(?i)reset", m[1])


def test_rst_between_hello_and_pairing(shared):
    """Resets at any moment harm nobody else."""
    hello, _ = tls_peer.client_hello()
    rng = random.Random(1)
    for i in range(100):
        s = shared.connect()
        s.sendall(hello[: rng.choice([0, 1, 5, 100, len(hello)])])
        time.sleep(rng.choice([0, 0.001, 0.005]))
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.close()
    assert shared.get() == b'{"message":"success"}\n'


def test_rst_while_the_private_proxy_is_on_its_way(make_world):
    """It dials the internal server too, which must not take the end for a FIN."""
    world = make_world().start()
    world.wait_ready()
    server, private = world["streamer"], world["private-proxy"]
    start = len(server.log())
    hello, _ = tls_peer.client_hello(w.STREAM_NAME)
    os.kill(private.pid, signal.SIGSTOP)
    try:
        s = world.connect()
        s.sendall(hello)
        time.sleep(0.5 * w.SLOW)  # the notice is there, and nobody reads it
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.close()
        world["public-proxy"].wait_log(r"closed: .*reason=reset while waiting")
    finally:
        os.kill(private.pid, signal.SIGCONT)
    said = json.loads(server.wait_log(r'\{.*"end":.*\}', start=start)[0])
    assert (said["end"], said["received"]) == ("reset", 0), said


@pytest.mark.limit(120)
def test_fin_then_reset_leaves_nothing(own):
    """A client that half-closes and is gone when the answer comes: FIN and RST, close together."""
    hello, _ = tls_peer.client_hello()
    broken = bytearray(hello)
    broken[-3] ^= 0x55
    proxies = [own[name] for name in ("public-proxy", "private-proxy")]
    first = [_settled(p, own) for p in proxies]
    for _ in range(5):
        for _ in range(200):
            with own.connect() as s:
                s.sendall(broken)
                s.shutdown(socket.SHUT_WR)
        now = [_settled(p, own) for p in proxies]
        assert now == first, "descriptors of connections that are gone"
    assert own.get() == b'{"message":"success"}\n'


def _settled(process, world):
    """How many descriptors a process holds, once that has not changed for half a second."""
    def steady():
        before = process.lasting_fds(world.control_ports)[0]
        time.sleep(0.5)
        return before if process.lasting_fds(world.control_ports)[0] == before else None

    return w.wait_until(steady, 20, f"{process.name} is at rest")
