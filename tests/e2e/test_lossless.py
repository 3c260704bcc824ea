# SPDX-License-Identifier: BSD-2-Clause
"""Every byte once and memory bounded, on every path, through both proxies and both relays.

PASSAGE_LONG=1: readers stop for 30 s in downloads of 1 GiB, proxies for 5 s, 10,000 connections.
"""

import os
import signal
import time

import pytest

import measure as m
import tls_peer
import world as w
from measure import MIB, PROXIES, LONG

PATHS = ("sockmap", "splice", "copy", "auto")
SUCCESS = b'{"message":"success"}\n'
SLOW_NAME = "slow.internal-server.local"
LESS = 8 if w.SANITIZED else 1

# limits.memory_per_direction, and what may be beside the sockets' own queues.
BOUND, BESIDE = 4 * MIB, 512 * 1024

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def add_slow_server(world):
    """A second streaming server that reads slowly, into a small buffer."""
    port = w.free_ports(1)[0]
    world._add("slow-streamer",
               [w.TOOLS / "streamer", "server", "localhost", str(port), "--read-rate", 2 * MIB,
                "--rcvbuf", 8192, "--sndbuf", 8192, "--write", "1-20000"], {})
    world.extra("private-proxy-1", {"private": {"announcements": [{
        "domain": SLOW_NAME, "proxies": ["public-proxy-1.ga"],
        "internal_address": f"localhost:{port}"}]}}, "920_slow")


def open_sockets(process):
    return sum(fd.startswith("socket:") for fd in process.fds())


@pytest.fixture(scope="module", params=PATHS)
def path(request, tmp_path_factory):
    """A running world for each way of forwarding."""
    world = w.World(tmp_path_factory.mktemp(request.param))
    m.set_up(world, request.param)
    world.forwarding = request.param
    add_slow_server(world)
    world.start(*world.ORDER, "streamer", "slow-streamer")
    try:
        world.wait_ready()
        yield world
        # A client is done before its server has seen the FIN; stopped then, it reports a failure.
        w.wait_until(lambda: open_sockets(world["slow-streamer"]) == 1, 10, "only it listens")
    finally:
        problems = world.stop()
    assert not problems, problems


# ---- what goes through


@pytest.mark.parametrize("connections", [1, 8, 64])
@pytest.mark.limit(120)
def test_both_ways_at_once(path, connections):
    n = 64 * MIB // connections // LESS
    path.stream("--up", n, "--down", n, "--connections", connections, "--write", "1-262144",
                "--seed", connections, seconds=100)


@pytest.mark.parametrize("connections", [1, 8, 64])
def test_random_pauses(path, connections):
    n = 16 * MIB // connections // LESS
    path.stream("--up", n, "--down", n, "--connections", connections, "--write", "1-262144",
                "--pause", "20:10000", "--nodelay", "--seed", 100 + connections)


@pytest.mark.parametrize("write, size", [("1-1", 10000), ("1-8", 40000), ("8-320", 400000),
                                         ("262144-262144", 8 * MIB)])
def test_sizes_of_writes(path, write, size):
    path.stream("--up", size // LESS, "--down", size // LESS, "--connections", 8, "--write", write,
                "--nodelay", "--pause", "1:3000")


def test_slow_client_with_small_buffers(path):
    path.stream("--up", 2 * MIB, "--down", 2 * MIB, "--connections", 8, "--rcvbuf", 4096,
                "--sndbuf", 4096, "--read-rate", MIB, "--write", "1-262144")


def test_slow_server_with_small_buffers(path):
    path.stream("--up", 2 * MIB, "--down", 2 * MIB, "--connections", 8, "--write", "1-262144",
                name=SLOW_NAME)


def test_slow_on_both_sides(path):
    path.stream("--up", MIB, "--down", MIB, "--connections", 16, "--rcvbuf", 2048, "--read-rate",
                MIB, "--write", "1-5000", "--pause", "5:20000", name=SLOW_NAME)


def test_conversations_with_bulk_beside_them(path):
    """Interactive ones lose nothing while others fill every buffer."""
    with m.Streaming(path, "--up", 24 * MIB // LESS, "--down", 24 * MIB // LESS, "--connections",
                     4) as bulk:
        path.stream("--up", 100000 // LESS, "--down", 100000 // LESS, "--ping", 250,
                    "--connections", 8, "--nodelay")
        bulk.report()


def test_readers_that_stop_now_and_then(path):
    path.stream("--up", 4 * MIB, "--down", 12 * MIB // LESS, "--connections", 8, "--stall",
                f"{MIB}:700", "--rcvbuf", 16384)


@pytest.mark.parametrize("up, down", [(0, 0), (1, 0), (0, 1), (1, 1), (70000, 0), (0, 70000)])
def test_fin_with_little_before_it(path, up, down):
    path.stream("--up", up, "--down", down, "--connections", 10, "--total", 40, "--half-close")
    path.stream("--up", up, "--down", down, "--connections", 10, "--total", 40, "--answer-late")


def test_fin_while_the_other_way_is_blocked(path):
    """The upload's FIN crosses while the download stands still, and then that goes on."""
    path.stream("--up", 100000, "--down", 24 * MIB // LESS, "--half-close", "--stall",
                "1000:1000", "--connections", 4, "--rcvbuf", 8192)


# ---- addresses


@pytest.mark.parametrize("forwarding", ["sockmap", "splice"])
def test_addresses(make_world, forwarding):
    """IPv4, IPv6 and IPv4-mapped at the public listener; IPv6 behind it."""
    world = make_world()
    m.set_up(world, forwarding)
    world.extra("public-proxy-1", {"public": {
        "tls_bind_address": f":{world.ports['tls']}",
        "internal_bind_address": f"[::1]:{world.ports['internal']}",
        "internal_endpoint": f"[::1]:{world.ports['internal']}"}})
    world.extra("private-proxy-1", {"private": {"public_proxies!": [{
        "name": "public-proxy-1.ga", "endpoints": [f"[::1]:{world.ports['internal']}"]}]}},
        "920_ipv6")
    world.start().wait_ready()
    n = 8 * MIB // LESS
    for host in ("127.0.0.1", "::1", "::ffff:127.0.0.1"):
        start = len(world["public-proxy"].log())
        world.stream("--up", n, "--down", n, "--connections", 4, "--write", "1-262144", host=host)
        closed = w.wait_until(
            lambda s=start: len(c := m.closed_lines(world["public-proxy"], s)) >= 4 and c,
            what="four lines")
        # An IPv4 client is one, whatever the listener's family.
        for fields in closed:
            assert (":" in fields["client"].rpartition(":")[0]) == (host == "::1"), fields


# ---- switching between user space and the kernel


@pytest.mark.parametrize("forwarding", ["sockmap", "auto"])
@pytest.mark.limit(120)
def test_a_budget_that_makes_them_switch(make_world, forwarding):
    """Each direction goes back and forth between kernel and user space all the time."""
    world = make_world()
    m.set_up(world, forwarding, {"kernel_backlog": "4KiB"})
    world.start().wait_ready()
    world.stream("--up", 16 * MIB // LESS, "--down", 16 * MIB // LESS, "--connections", 4,
                 "--write", "1-16384", "--pause", "10:1000", "--nodelay", seconds=100)
    world.stream("--up", 400000 // LESS, "--down", 400000 // LESS, "--connections", 8, "--ping",
                 5000, "--write", "1-3000", "--nodelay", seconds=100)


# ---- memory


def wait_at_rest(world, name, seconds=6):
    """What a proxy holds, when it does not grow any more: its sender is held back."""
    last = [None, 0]

    def at_rest():
        held = m.Held(world, name)
        steady = last[0] is not None and held.n and held.bytes > 65536 \
            and held.bytes == last[0].bytes
        last[1] = last[1] + 1 if steady else 0
        last[0] = held
        return last[1] >= 3 and held

    return w.wait_until(at_rest, seconds, f"{name}: at rest, last {last}", 0.15)


@needs_root
@pytest.mark.limit(240)
def test_a_reader_that_stops(path):
    """While it does not read, a proxy holds no more than limits.memory_per_direction."""
    stop = 30 if LONG else 8 if path.forwarding in ("sockmap", "auto") else 5
    size = (1024 if LONG else 256) * MIB // LESS
    for name in PROXIES:
        w.wait_until(lambda n=name: not m.clients(path, n), 10, f"{name}: idle")
    before = {name: m.memory_of(path[name]) for name in PROXIES}
    before_kernel, least = m.kernel_memory(), None
    begin = time.monotonic()
    with m.Streaming(path, "--down", size, "--up", 1000, "--stall", f"{4 * MIB}:{stop * 1000}",
                     "--rcvbuf", 65536, seconds=180) as client:
        for name in reversed(PROXIES):
            wait_at_rest(path, name)
        # Blocked, it costs nothing.
        load = m.cpu_load(*map(path.__getitem__, PROXIES), seconds=0.5)
        assert load < 0.1 * w.SLOW, load
        while time.monotonic() - begin < stop - 1:
            for name in PROXIES:
                held = m.Held(path, name)
                assert held.n == 1 and held.bytes <= BOUND and held.memory <= BOUND, (name, held)
                assert held.beside <= BESIDE, (name, held)
                if not w.SANITIZED:
                    grown = m.memory_of(path[name]) - before[name]
                    assert grown <= BESIDE, f"{name}: {grown} bytes of its own"
            sent = sum(s.info.get("bytes_acked", 0) for s in m.sockets(path, path["streamer"]))
            assert 0 < sent < 4 * MIB + 2 * BOUND + MIB, f"the server could send {sent} bytes"
            now = m.kernel_memory()
            least = [min(pair) for pair in zip(least, now)] if least else now
            time.sleep(0.3)
        # These are the whole machine's: what others use comes and goes, a queue that grows stays.
        tcp, slab = (now - then for now, then in zip(least, before_kernel))
        assert tcp < 16 * MIB and slab < 48 * MIB, (tcp, slab)
        assert client.report()["received"] == size


@needs_root
@pytest.mark.parametrize("forwarding", ["sockmap", "auto"])
@pytest.mark.limit(240)
def test_200_readers_that_stop(make_world, forwarding):
    """Others are served all the time."""
    bound = 3 * MIB // 2
    # Of the memory where TCP begins to save, which may be what is tested on a small machine.
    n = min(40 if w.SANITIZED else 200, m.tcp_pressure() * 2 // 3 // (3 * bound))
    stop = w.longer(30 if LONG else 8)
    world = make_world()
    m.set_up(world, forwarding, {"memory_per_direction": f"{bound // 1024}KiB"})
    world["streamer"].command += ["--sndbuf", "262144"]
    world.start().wait_ready()
    with m.Streaming(world, "--down", 4 * MIB, "--up", 1000, "--connections", n, "--stall",
                     f"65536:{stop * 1000}", "--rcvbuf", 65536, seconds=200) as client:
        for name in PROXIES:
            w.wait_until(lambda p=name: m.Held(world, p).n >= n, 5, f"{name}: {n} connections")
        begin = time.monotonic()
        asked, longest, held = 0, 0, {}
        while time.monotonic() - begin < stop - w.longer(5):
            t = time.monotonic()
            assert world.get() == SUCCESS
            longest = max(longest, time.monotonic() - t)
            asked += 1
            time.sleep(0.02)
        for name in PROXIES:
            held[name] = m.Held(world, name)
        # Parked connections that our requests took may be replaced still.
        load = min(m.cpu_load(*map(world.__getitem__, PROXIES), seconds=0.4) for _ in range(3))
        assert longest < w.longer(5) and asked >= 10, f"an answer took {longest:.1f} s"
        for name in PROXIES:
            assert held[name].n >= n, held
            assert held[name].bytes <= n * bound and held[name].memory <= n * bound, held
            assert held[name].beside <= n * BESIDE, held
        assert load < 0.1 * w.SLOW, load
        assert client.report()["ok"] == n


# ---- signals


@pytest.mark.parametrize("name, forwarding", [(n, f) for n in PROXIES for f in PATHS] if LONG else
                         [("public-proxy", "sockmap"), ("private-proxy", "auto")])
@pytest.mark.limit(120)
def test_stopped_and_continued(make_world, name, forwarding):
    world = make_world()
    m.set_up(world, forwarding)
    world.start().wait_ready()
    with m.Streaming(world, "--up", 24 * MIB, "--down", 24 * MIB, "--connections", 8, "--write",
                     "1-262144", "--pause", "40:30000", seconds=100) as bulk, \
         m.Streaming(world, "--up", 200000, "--down", 200000, "--ping", 100, "--pause", "100:2000",
                     "--connections", 4, seconds=100) as turns:
        time.sleep(0.7)
        assert bulk.running() and turns.running()
        os.kill(world[name].pid, signal.SIGSTOP)
        try:
            time.sleep(5 if LONG else 2)
        finally:
            os.kill(world[name].pid, signal.SIGCONT)
        bulk.report()
        turns.report()
    assert world.get() == SUCCESS


@needs_root
def test_the_kernel_goes_on_while_the_proxies_are_stopped(make_world):
    world = make_world()
    m.set_up(world, "sockmap")
    world.start().wait_ready()
    with world.tls() as s:
        for _ in range(5):
            assert tls_peer.http(s) == SUCCESS
        time.sleep(0.2)
        try:
            for name in PROXIES:
                os.kill(world[name].pid, signal.SIGSTOP)
            for _ in range(200):
                assert tls_peer.http(s) == SUCCESS
        finally:
            for name in PROXIES:
                os.kill(world[name].pid, signal.SIGCONT)
        assert tls_peer.http(s) == SUCCESS


@needs_root
@pytest.mark.parametrize("forwarding", ["sockmap", "auto"])
@pytest.mark.parametrize("name", PROXIES)
@pytest.mark.limit(120)
def test_killed(make_world, name, forwarding):
    """Both peers hear of it at once, nothing is left in the kernel, and service comes back."""
    n = 12
    world = make_world()
    # A killed process's socket with unread bytes in a psock says FIN, not RST, and goes on to ACK
    # our probes of its closed window until tcp_fin_timeout: the other proxy gives up before that.
    m.set_up(world, forwarding, {"idle_timeout": "3s"}, parked=False)
    world.start().wait_ready()
    other = next(p for p in PROXIES if p != name)
    fds = m.lasting(world, other)
    maps = world[name].maps()
    start = len(world["streamer"].log())
    with m.Streaming(world, "--up", 64 * MIB, "--down", 64 * MIB, "--connections", n, "--write",
                     "1-65536", "--pause", "50:20000", "--each", seconds=60) as client:
        time.sleep(0.7)
        assert client.running()
        world[name].kill()
        report = client.report(check=False)
        assert "not done in time" not in str(report), "they hear of it at once"
        assert report["failed"] == n, "a connection cannot have ended well"
    server = world["streamer"]
    w.wait_until(lambda: server.log()[start:].count('"ok":false') == n, 5,
                 "the server's side has ended, too")
    assert "time-out" not in server.log()[start:]
    # A FIN after less than everything is the kernel's for a killed process; never a wrong byte.
    assert "wrong byte" not in server.log()[start:] and "wrong byte" not in str(report)
    for map_id in maps.values():
        w.wait_until(lambda i=map_id: "error" in (w.bpftool("map", "show", "id", str(i)) or {}), 10,
                     f"map {map_id} is gone")
    world[name].start()
    world.wait_ready()
    for each in PROXIES:
        held = world[each].maps()
        for kind in ("peers", "slots"):
            if kind in held:
                w.wait_until(lambda e=each, k=kind: not world[e].map_entries(k), 10,
                             f"{each}: {kind} is empty")
    w.wait_until(lambda: m.lasting(world, other) <= fds, 10, f"{other}: descriptors are back")
    world.stream("--up", MIB, "--down", MIB, "--connections", 4)


# ---- many


@needs_root
@pytest.mark.parametrize("forwarding", ["sockmap", "auto"])
@pytest.mark.limit(300)
def test_short_connections_leave_nothing(make_world, forwarding):
    n = 10000 if LONG else 300 if w.SANITIZED else 2000
    world = make_world()
    m.set_up(world, forwarding, parked=False)
    world.start().wait_ready()
    world.stream("--up", 100, "--down", 100, "--connections", 25, "--total", 50)

    def settled():
        return not any(m.clients(world, p) for p in PROXIES)

    w.wait_until(settled, 10, "idle")
    fds = {p: m.lasting(world, p) for p in PROXIES}
    memory = {p: m.memory_of(world[p]) for p in PROXIES}
    slabs = m.slab_objects()
    report = world.stream("--up", 100, "--down", 100, "--connections", 25, "--total", n,
                          seconds=200)
    assert report["ok"] == n
    for p in PROXIES:
        w.wait_until(lambda p=p: m.lasting(world, p) == fds[p], 10,
                     f"{p}: descriptors are back to {fds[p]}")
        held = world[p].maps()
        for kind in ("peers", "slots"):
            if kind in held:
                assert not world[p].map_entries(kind), (p, kind)
        if not w.SANITIZED:
            assert m.memory_of(world[p]) - memory[p] < 2 * MIB, f"{p} has grown"
    # Nothing but TIME_WAIT is left of them.
    w.wait_until(lambda: all(s.state == "TIME-WAIT" for s in m.sockets(world)), 10,
                 f"no other sockets: {[(s.state, s.local, s.peer) for s in m.sockets(world)]}")
    # The machine's: others may use sockets meanwhile, but not one for each of our connections.
    w.wait_until(lambda: all(now - slabs.get(name, 0) < max(n // 4, 200)
                             for name, now in m.slab_objects().items()), 30,
                 f"slabs: {slabs} before, {m.slab_objects()} now")
