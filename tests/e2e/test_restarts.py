# SPDX-License-Identifier: BSD-2-Clause
"""Processes that die, come back, come late, or cannot start."""

import itertools
import os
import re
import signal
import socket
import subprocess
import time

import pytest

import tls_peer
import world as w

SUCCESS = b'{"message":"success"}\n'
BACK = 5  # seconds until a restarted process serves again, on a busy machine


@pytest.mark.parametrize("name", ["private-proxy", "public-proxy", "private-relay",
                                  "public-relay", "internal-server"])
def test_killed_and_restarted(own, name):
    own[name].kill()
    time.sleep(0.3)
    own[name].start()
    took = own.wait_ready(BACK)
    print(f"{name}: served again after {took:.2f} s")
    for _ in range(10):
        assert own.get() == SUCCESS


@pytest.mark.parametrize("name", ["private-proxy", "public-proxy", "private-relay",
                                  "public-relay"])
def test_restarted_after_a_while(own, name):
    """The others have gone far in their back-off by then."""
    own[name].kill()
    time.sleep(4)
    own[name].start()
    own.wait_ready(BACK)


@pytest.mark.limit(120)
def test_both_relays_killed_at_once(own):
    own["public-relay"].kill()
    own["private-relay"].kill()
    time.sleep(1)
    own.start("private-relay")
    time.sleep(0.5)
    own.start("public-relay")
    own.wait_ready(BACK + 5)


@pytest.mark.parametrize("relay", ["public-relay", "private-relay"])
def test_open_connections_outlive_a_relay(own, relay):
    with own.tls() as s:
        assert tls_peer.http(s) == SUCCESS
        own[relay].kill()
        for _ in range(20):
            assert tls_peer.http(s) == SUCCESS


@pytest.mark.parametrize("proxy", ["public-proxy", "private-proxy"])
def test_a_killed_proxy_ends_its_connections(own, proxy):
    with own.tls() as s:
        assert tls_peer.http(s) == SUCCESS
        own[proxy].kill()
        with pytest.raises((ConnectionError, OSError)):
            for _ in range(50):
                tls_peer.http(s)
                time.sleep(0.05)


def test_internal_server_down_is_no_hang(own):
    own["internal-server"].stop()
    w.refused(own.get, timeout=20)


@pytest.mark.parametrize("parked", [(1, 0), (2, 2)])
def test_internal_server_that_cannot_be_dialled(make_world, parked):
    """It is known at once, before the dial-back is there: the client must hear of it all the same."""
    world = make_world(parked=parked)
    name = "unreachable.internal-server.local"
    world.extra("private-proxy-1", {"private": {"announcements": [{
        "domain": name, "proxies": ["public-proxy-1.ga"],
        "internal_address": "255.255.255.255:9"}]}}, "930_unreachable")
    world.extra("public-proxy-1", {"public": {"accept_timeout": "50m"}}, "920_timeout")
    world.start().wait_ready()
    for _ in range(3):
        w.refused(world.get, name=name, timeout=20)
    assert world.get() == SUCCESS


def test_notices_while_the_private_proxy_stops(make_world):
    """Its relay still delivers them; clients are refused, and do not wait for nobody."""
    world = make_world()
    world.extra("private-proxy-1", {"limits": {"shutdown_grace": f"{w.longer(20)}s"}}, "920_grace")
    world.extra("public-proxy-1", {"public": {"accept_timeout": "50m"}}, "920_timeout")
    world.start().wait_ready()
    with world.tls() as s:
        assert tls_peer.http(s) == SUCCESS
        world["private-proxy"].popen.send_signal(signal.SIGTERM)
        world["private-proxy"].wait_log("stopping: ")
        for _ in range(10):
            w.refused(world.get, timeout=20)
            time.sleep(0.1)
        assert tls_peer.http(s) == SUCCESS, "what is open goes on"


def test_private_proxy_down_is_no_hang(own):
    own["private-proxy"].stop()
    w.refused(own.get, timeout=30)


ORDERS = [
    ("internal-server", "public-relay", "private-relay", "public-proxy", "private-proxy"),
    ("private-proxy", "public-proxy", "private-relay", "public-relay", "internal-server"),
    ("private-proxy", "private-relay", "internal-server", "public-proxy", "public-relay"),
    ("public-proxy", "private-relay", "private-proxy", "public-relay", "internal-server"),
    ("public-relay", "public-proxy", "internal-server", "private-proxy", "private-relay"),
]


@pytest.mark.parametrize("dialect, order", itertools.product(["hyper", "eps"], ORDERS),
                         ids=lambda v: v if isinstance(v, str) else "-".join(
                             "".join(p[0] for p in n.split("-")) for n in v))
def test_start_orders(make_world, dialect, order):
    world = make_world(dialect=dialect)
    for name in order:
        world.start(name)
        time.sleep(0.25)
    world.wait_ready(10)


@pytest.mark.parametrize("name", ["public-proxy", "private-proxy", "public-relay",
                                  "private-relay"])
def test_sigterm_with_open_connections(own, name):
    held = [own.tls() for _ in range(5)]
    for s in held:
        assert tls_peer.http(s) == SUCCESS
    assert own[name].stop(8) == 0, "shutdown_grace is 5 s"
    for s in held:
        s.close()


@pytest.mark.parametrize("name", ["public-proxy", "private-proxy"])
@pytest.mark.parametrize("pause", [0.05, 1])
def test_a_second_sigterm_does_not_wait(make_world, name, pause):
    """Before and after the control thread has ended."""
    world = make_world()
    world.extra(f"{name}-1", {"limits": {"shutdown_grace": "5m"}}, "920_grace")
    world.start().wait_ready()
    with world.tls() as s:
        assert tls_peer.http(s) == SUCCESS
        process = world[name].popen
        process.send_signal(signal.SIGTERM)
        time.sleep(pause * w.SLOW)
        assert process.poll() is None, "it has an open connection"
        process.send_signal(signal.SIGTERM)
        assert process.wait(5 * w.PATIENCE) == 0
        with pytest.raises(OSError):
            tls_peer.http(s)


def test_sigint(own):
    for name in ("private-proxy", "public-proxy", "private-relay", "public-relay"):
        own[name].popen.send_signal(signal.SIGINT)
        assert own[name].popen.wait(10 * w.PATIENCE) == 0, name


def test_stop_when_idle_is_quick(make_world):
    """Nobody is there to wait for."""
    world = make_world()
    for name in ("private-proxy", "public-proxy"):
        world.extra(f"{name}-1", {"limits": {"shutdown_grace": "24h"}}, "920_grace")
    world.start().wait_ready()
    for name in ("private-proxy", "public-proxy", "private-relay", "public-relay"):
        assert world[name].stop() == 0


@pytest.mark.parametrize("process, port", [
    ("public-proxy", "tls"), ("public-proxy", "internal"), ("public-proxy", "public-proxy"),
    ("private-proxy", "private-proxy"), ("public-relay", "public-relay"),
    ("public-relay", "public-grpc"), ("private-relay", "private-relay"),
])
def test_port_taken(make_world, process, port):
    world = make_world()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", world.ports[port]))
        taken.listen()
        world[process].start()
        status = world[process].popen.wait(5 * w.PATIENCE)
    world[process].popen = None
    log = world[process].log()
    assert status == 1, log
    assert re.search(rf"ERROR.*{world.ports[port]}.*in use", log), log
    assert len(re.findall("ERROR", log)) == 1, f"said once:\n{log}"


def test_sighup_reloads_the_directory(own):
    for name in ("public-relay", "private-relay"):
        start = len(own[name].log())
        own[name].popen.send_signal(signal.SIGHUP)
        own[name].wait_log(r"(?i)directory", start=start)
    assert own.get() == SUCCESS


def test_announcements_survive_the_public_proxy(own):
    """The public proxy knows the domain from its datastore, before anybody announces it again."""
    own["private-proxy"].stop()
    hello, _ = tls_peer.client_hello()
    for _ in range(10):
        own["public-proxy"].kill()
        own.start("public-proxy")
        # The first client that can connect is there before the workers run.
        with w.wait_until(lambda: _connected(own), what="listening", every=0.0005) as s:
            s.sendall(hello)
            s.settimeout(0.3)
            try:
                data = s.recv(7)
            except TimeoutError:
                data = b""
        assert data[6:7] != b"\x70", "the name is known, though nobody serves it now"


def _connected(world):
    try:
        return world.connect()
    except OSError:
        return None


def test_unprivileged_proxy_falls_back(make_world):
    """Without CAP_BPF it forwards by splice, and says so in one line."""
    if os.geteuid() != 0:
        pytest.skip("needs root to drop privileges from")
    drop = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"]
    world = make_world(prefixes={"public-proxy": drop, "private-proxy": drop})
    world.start().wait_ready()
    for name in ("public-proxy", "private-proxy"):
        lines = [l for l in world[name].log().splitlines()
                 if re.search(r"(?i)splice", l) and re.search("WARN|INFO", l)]
        assert len(lines) >= 1, world[name].log()
    world.stream("--up", 3000000, "--down", 3000000, "--connections", 5)
    line = world["public-proxy"].wait_log(r"closed: .*path=(\S+)")
    assert line[1] != "sockmap"


def test_bad_settings(make_world):
    world = make_world()
    world.extra("public-proxy-1", {"public": {"acept_timeout": 3}})
    world["public-proxy"].start()
    status = world["public-proxy"].popen.wait(10 * w.PATIENCE)
    world["public-proxy"].popen = None
    log = world["public-proxy"].log()
    assert status == 2
    assert "900_test.json:1" in log and "accept_timeout" in log, log


@pytest.mark.parametrize("role, other", [("public", "private"), ("private", "public")])
def test_settings_of_the_other_role(make_world, role, other):
    proxy = make_world()[f"{role}-proxy"]
    proxy.command[-1] = other
    proxy.start()
    status = proxy.popen.wait(10 * w.PATIENCE)
    proxy.popen = None
    assert status == 2
    assert f'no section "{other}"' in proxy.log() and "PROXY_SETTINGS" in proxy.log(), proxy.log()


def test_check_only_checks(make_world):
    world = make_world()
    for name, program in (("public-proxy", "proxy"), ("private-relay", world.dialect)):
        variables = {k: v for k, v in world[name].env.items() if k.endswith("_SETTINGS")}
        done = subprocess.run([w.BIN / program, "check"], env={**os.environ, **variables},
                              capture_output=True, text=True, timeout=20, cwd=w.ROOT)
        assert done.returncode == 0, done.stderr
