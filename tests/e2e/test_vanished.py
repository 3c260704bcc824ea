# SPDX-License-Identifier: BSD-2-Clause
"""Peers that vanish, stand still, or never read."""

import itertools
import os
import shutil
import subprocess
import time

import pytest

import measure as m
import tls_peer
import world as w
from measure import LONG, MIB, PROXIES

SUCCESS = b'{"message":"success"}\n'


def test_idle_pair_ends(make_world):
    world = make_world()
    m.set_up(world, limits={"idle_timeout": f"{w.longer(2)}s"}, parked=False)
    world.start().wait_ready()
    start = len(world["public-proxy"].log())
    with world.tls() as idle, world.tls() as busy:
        assert tls_peer.http(idle) == SUCCESS
        begin = time.monotonic()
        idle.settimeout(0.05)
        while time.monotonic() - begin < 4 * w.longer(2):
            assert tls_peer.http(busy) == SUCCESS
            try:
                if not idle.recv(1):
                    break
            except TimeoutError:
                time.sleep(0.2)
            except OSError:
                break
        took = time.monotonic() - begin
        assert 0.75 * w.longer(2) < took < 3 * w.longer(2), took
        assert tls_peer.http(busy) == SUCCESS, "one that talks is not idle"
    lines = w.wait_until(lambda: len(c := m.closed_lines(world["public-proxy"], start)) >= 2 and c)
    assert any("idle" in l["reason"] or "reset" in l["reason"] for l in lines), lines


class FarClient:
    """A host of its own for the client, on a wire that can be cut."""

    numbers = itertools.count()

    def __init__(self):
        # A namespace goes away some time after it has been deleted.
        number = next(FarClient.numbers)
        tag = f"{os.getpid() % 100000}{number}"
        self.name, self.wire = f"psgc{tag}", f"psg{tag}"
        net = 4 * ((os.getpid() + number) % 64)
        self.near, self.far = f"198.51.100.{net + 1}", f"198.51.100.{net + 2}"

    def __enter__(self):
        ip = ["ip", "-n", self.name]
        for command in (["ip", "netns", "add", self.name],
                        ["ip", "link", "add", self.wire, "type", "veth", "peer", "name", "wire",
                         "netns", self.name],
                        ["ip", "address", "add", f"{self.near}/30", "dev", self.wire],
                        ["ip", "link", "set", self.wire, "up"],
                        [*ip, "address", "add", f"{self.far}/30", "dev", "wire"],
                        [*ip, "link", "set", "wire", "up"]):
            subprocess.run(command, check=True, capture_output=True, timeout=20)
        return self

    def cut(self):
        subprocess.run(["ip", "-n", self.name, "link", "set", "wire", "down"], check=True,
                       timeout=20)

    def __exit__(self, *_):
        subprocess.run(["ip", "link", "delete", self.wire], capture_output=True, timeout=20)
        subprocess.run(["ip", "netns", "delete", self.name], capture_output=True, timeout=20)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
@pytest.mark.skipif(not shutil.which("ip"), reason="needs ip")
@pytest.mark.parametrize("doing", ["nothing", "upload", "download"])
@pytest.mark.limit(150)
def test_client_that_vanishes(make_world, doing):
    """No FIN, no RST, nothing any more: idle_timeout, or keepalive, ends both proxies' sockets."""
    world = make_world()
    limits = {"keepalive": "1s"} if LONG and doing == "nothing" else {"idle_timeout": "2s"}
    m.set_up(world, limits=limits, parked=False)
    with FarClient() as host:
        world.extra("public-proxy-1", {"public": {
            "tls_bind_address": f":{world.ports['tls']}"}}, "920_address")
        world.start().wait_ready()
        fds = {p: m.lasting(world, p) for p in PROXIES}
        size = {"nothing": (100, 100), "upload": (1 << 30, 0), "download": (0, 1 << 30)}[doing]
        client = subprocess.Popen(
            ["ip", "netns", "exec", host.name, w.TOOLS / "streamer", "client", host.near,
             str(world.ports["tls"]), "--hello", w.STREAM_NAME, "--timeout", "100", "--stall",
             "0:60000" if doing == "nothing" else "0:0", "--up", str(size[0]), "--down",
             str(size[1])], stdout=subprocess.DEVNULL)
        try:
            w.wait_until(lambda: len(m.sockets(world, world["public-proxy"])) == 2, 10, "a pair")
            time.sleep(0.3)
            host.cut()
            w.wait_until(lambda: not any(m.clients(world, p) for p in PROXIES),
                         100 if LONG else 15, "both proxies have let go", 0.2)
            for p in PROXIES:
                w.wait_until(lambda p=p: m.lasting(world, p) <= fds[p], 5, f"{p}: descriptors")
        finally:
            client.kill()
            client.wait()
        assert world.get() == SUCCESS


@pytest.mark.parametrize("forwarding", ["sockmap", "splice", "auto"])
def test_reader_that_never_reads(make_world, forwarding):
    """The server has said all and FIN, the client takes nothing: drain_timeout ends it."""
    world = make_world()
    m.set_up(world, forwarding, {"drain_timeout": "2s"}, parked=False)
    world.start().wait_ready()
    starts = {p: len(world[p].log()) for p in PROXIES}
    # More than one proxy holds with the send buffer of the other, whose part in it would then be
    # done; less than both hold.
    with m.Streaming(world, "--down", 6 * MIB, "--half-close", "--stall", "1000:60000", "--rcvbuf",
                     8192) as client:
        lines = {p: w.wait_until(lambda p=p: [c for c in m.closed_lines(world[p], starts[p])
                                              if c["name"] == w.STREAM_NAME], 12,
                                 f"{p} has ended it")[0] for p in PROXIES}
        assert client.report(check=False)["failed"] == 1, "a reset, no clean end"
    assert any("no progress" in l["reason"] for l in lines.values()), lines
    assert all("no progress" in l["reason"] or "reset" in l["reason"] for l in lines.values())
    assert world.get() == SUCCESS
