# SPDX-License-Identifier: BSD-2-Clause
"""No descriptors, no map entries, and more connections than limits.connections allows.

Allocations that fail inside the kernel need CONFIG_FAULT_INJECTION, which distributions do not set;
maps that take no entry and limits of descriptors need nothing.
"""

import contextlib
import os
import re
import subprocess

import pytest

import measure as m
import tls_peer
import world as w
from measure import MIB, PROXIES

SUCCESS = b'{"message":"success"}\n'

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def limit_files(process, n):
    subprocess.run(["prlimit", f"--pid={process.pid}", f"--nofile={n}:"], check=True, timeout=10)


def highest_file(process):
    return max(int(fd) for fd in os.listdir(f"/proc/{process.pid}/fd"))


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
        assert tls_peer.http(served) == SUCCESS
        start = len(public.log())
        limit_files(public, highest_file(public) + 1)
        for _ in range(60):
            stack.enter_context(world.connect())
        public.wait_log(r"accept: .*[Tt]oo many open files", start=start)
        # It waits, and what is open is served.
        assert m.cpu_load(public) < 0.2 * w.SLOW, "it spins"
        for _ in range(20):
            assert tls_peer.http(served) == SUCCESS
        lines = re.findall(r"ERROR .*accept: .*", public.log()[start:])
        # Each worker says it for each address that it listens on, once.
        assert 1 <= len(lines) <= 8, lines
        assert not world["private-proxy"].log().count(" ERROR ")
        limit_files(public, 20000)
        assert world.get() == SUCCESS
        assert tls_peer.http(served) == SUCCESS
    w.wait_until(lambda: m.open_files(public) < 100, 20, "descriptors are back")
    world.stream("--up", MIB, "--down", MIB, "--connections", 8)


@needs_root
def test_private_proxy_without_descriptors(make_world):
    world = make_world()
    m.set_up(world, parked=False)
    world.extra("public-proxy-1", {"public": {"accept_timeout": "1s"}}, "920_timeout")
    world.start().wait_ready()
    private = world["private-proxy"]
    with world.tls() as served:
        assert tls_peer.http(served) == SUCCESS
        start = len(private.log())
        limit_files(private, highest_file(private) + 1)
        refused = 0
        while refused < 3:
            try:
                world.get()
            except TimeoutError:
                raise AssertionError("each client hears of it by accept_timeout") from None
            except OSError:
                refused += 1
        assert m.cpu_load(private) < 0.2 * w.SLOW, "it spins"
        assert re.search("(?i)too many open files", private.log()[start:]), private.log()[start:]
        for _ in range(20):
            assert tls_peer.http(served) == SUCCESS
        limit_files(private, 20000)
        world.wait_ready(10)
        assert tls_peer.http(served) == SUCCESS
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
            assert tls_peer.http(s) == SUCCESS
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
            assert tls_peer.http(s) == SUCCESS
            kept.append(s)
        for _ in range(4):
            w.refused(lambda: [stack.enter_context(world.tls()) for _ in range(2)])
        for s in kept:
            assert tls_peer.http(s) == SUCCESS
    world.wait_ready(5)
    # Half of them at a time: a client begins the next one before the last has ended in the proxy.
    r = world.stream("--up", 1000, "--down", 1000, "--connections", 10, "--total", 60)
    assert r["ok"] == 60
