# SPDX-License-Identifier: BSD-2-Clause
"""What bpftool shows of open connections, and that the kernel moves their bytes."""

import contextlib
import os
import re
from pathlib import Path

import pytest

import tls_peer
import world as w
from world import bpftool

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="BPF needs root")
SUCCESS = b'{"message":"success"}\n'
PROXIES = ("public-proxy", "private-proxy")


@pytest.fixture(scope="module")
def sockmap(tmp_path_factory):
    """Forced to the sockmap, whatever this kernel is trusted with."""
    world = w.World(tmp_path_factory.mktemp("sockmap"))
    world.extra("public-proxy-1", {"forwarding": "sockmap"})
    world.extra("private-proxy-1", {"forwarding": "sockmap"}, "910_forwarding")
    world.start()
    try:
        world.wait_ready()
        yield world
    finally:
        problems = world.stop()
    assert not problems, problems


def cookie_bytes(entry):
    """A value of bpftool's JSON as an integer (little-endian hex bytes or formatted)."""
    value = entry.get("formatted", {}).get("value", entry.get("value"))
    if isinstance(value, list):
        return int.from_bytes(bytes(int(b, 16) for b in value), "little")
    if isinstance(value, dict):
        return int(next(iter(value.values())))
    return int(value)


def test_program_is_loaded_and_visible(sockmap):
    for name in PROXIES:
        ids = set()
        for info in Path(f"/proc/{sockmap[name].pid}/fdinfo").iterdir():
            with contextlib.suppress(OSError):  # closed meanwhile
                m = re.search(r"^prog_id:\s+(\d+)", info.read_text(), re.M)
                if m:
                    ids.add(m[1])
        programs = [bpftool("prog", "show", "id", i) for i in ids]
        assert any(p["type"] == "sk_skb" and p["name"] == "forward" for p in programs), programs


def test_sockets_of_an_open_connection_are_in_the_map(sockmap):
    before = {name: len(sockmap[name].map_entries("peers")) for name in PROXIES}
    with sockmap.tls() as s:
        for _ in range(3):
            assert tls_peer.http(s) == SUCCESS
        for name in PROXIES:
            process = sockmap[name]
            entries = w.wait_until(
                lambda p=process, n=name: len(e := p.map_entries("peers")) == before[n] + 2 and e,
                5, f"two entries more in the map of {name}")
            # Each value is the cookie of an existing socket of this connection.
            cookies = {cookie_bytes(e) for e in entries}
            shown = os.popen("ss -tneH").read()
            real = {int(m, 16) for m in re.findall(r"\bsk:([0-9a-f]+)", shown)}
            assert len(cookies & real) >= 2, (entries, shown)
    for name in PROXIES:
        w.wait_until(lambda n=name: len(sockmap[n].map_entries("peers")) == before[n], 10,
                     f"{name}: the sockets have left the map")
        w.wait_until(lambda n=name: len(sockmap[n].map_entries("slots")) == before[n], 10,
                     f"{name}: the slots are free again")


def test_keep_alive_bytes_are_moved_by_the_kernel(sockmap):
    starts = {name: len(sockmap[name].log()) for name in PROXIES}
    n, size = 300, 2000
    with sockmap.tls() as s:
        for _ in range(n):
            body = b'{"fill":"%s"}' % (b"x" * size)
            assert len(tls_peer.http(s, method="POST", body=body)) == len(body) + 1
    for name in PROXIES:
        m = sockmap[name].wait_log(r"connection \S+ closed: (.*)", start=starts[name])
        fields = dict(re.findall(r"(\w+)=(\S+)", m[1]))
        assert fields["path"] == "sockmap", m[0]
        for way in ("up", "down"):
            total, kernel = int(fields[way]), int(fields["kernel_" + way])
            assert total > n * size
            assert kernel > 0.95 * total, f"{name}: {kernel} of {total} bytes {way} by the kernel"


def test_program_counts_what_it_redirects(sockmap):
    """The flow array's own counters, read by bpftool while the connection is open."""
    def redirected(process):
        total = 0
        for entry in process.map_entries("flows"):
            value = entry.get("formatted", entry)["value"]
            if isinstance(value, dict):
                total += int(value["redirected"])
        return total

    with sockmap.tls() as s:
        assert tls_peer.http(s) == SUCCESS
        before = {name: redirected(sockmap[name]) for name in PROXIES}
        for _ in range(100):
            tls_peer.http(s, method="POST", body=b'{"fill":"%s"}' % (b"y" * 1000))
        for name in PROXIES:
            grown = redirected(sockmap[name]) - before[name]
            assert grown > 2 * 100 * 1000 * 0.95, (name, grown)


@pytest.mark.parametrize("forwarding", ["sockmap", "splice", "copy", "auto"])
@pytest.mark.limit(180)
def test_every_path_keeps_every_byte(make_world, forwarding):
    mib = 1024 * 1024
    bulk = (10 if w.SANITIZED else 64) * mib
    world = make_world()
    world.extra("public-proxy-1", {"forwarding": forwarding})
    world.extra("private-proxy-1", {"forwarding": forwarding}, "910_forwarding")
    world.start().wait_ready()
    world.stream("--up", bulk, "--down", bulk, seconds=100)
    world.stream("--up", 2 * mib, "--down", 2 * mib, "--connections", 16, "--write", "1-262144",
                 "--pause", "5:3000", seconds=100)
    world.stream("--up", mib, "--down", mib, "--answer-late", "--connections", 8)
    world.stream("--up", 20000, "--down", 20000, "--ping", 100, "--connections", 8, "--nodelay")
    world.stream("--down", 4 * mib, "--up", 1000, "--stall", "10000:1000", "--rcvbuf", 4096)
    if forwarding != "auto":
        paths = set(re.findall(r"name=stream\S* .*path=(\S+)", world["public-proxy"].log()))
        # A socket whose FIN has come already does not go into a sockmap, and all leave it when TCP
        # is short of memory.
        others = {"copy", "sockmap+splice"} if forwarding == "sockmap" else {"copy"}
        assert forwarding in paths and paths <= {forwarding} | others, paths
