# SPDX-License-Identifier: BSD-2-Clause
"""Two hosts, made of network namespaces. The private one accepts no inbound connection."""

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

import tls_peer
import world as w

SUCCESS = '{"message":"success"}\n'

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root")


def ip(*args, check=True):
    return subprocess.run(["ip", *args], check=check, capture_output=True, text=True, timeout=20)


class Hosts:
    """`out` (public, 10.x.0.1) and `in` (private, 10.x.0.2), joined by a wire."""

    def __init__(self):
        tag = f"psg{os.getpid()}"
        self.out, self.inside = f"{tag}o", f"{tag}i"
        self.public_ip, self.private_ip = "192.0.2.1", "192.0.2.2"

    def __enter__(self):
        for ns in (self.out, self.inside):
            ip("netns", "add", ns)
            ip("-n", ns, "link", "set", "lo", "up")
        ip("link", "add", "wire", "netns", self.out, "type", "veth", "peer", "name", "wire",
           "netns", self.inside)
        for ns, address in ((self.out, self.public_ip), (self.inside, self.private_ip)):
            ip("-n", ns, "address", "add", f"{address}/24", "dev", "wire")
            ip("-n", ns, "link", "set", "wire", "up")
        return self

    def __exit__(self, *_):
        for ns in (self.out, self.inside):
            ip("netns", "delete", ns, check=False)
            shutil.rmtree(f"/etc/netns/{ns}", ignore_errors=True)

    def names(self, ns, *pairs):
        """What is in /etc/hosts there."""
        folder = Path("/etc/netns") / ns
        folder.mkdir(parents=True)
        (folder / "hosts").write_text("127.0.0.1 localhost\n" +
                                      "".join(f"{address} {name}\n" for address, name in pairs))

    def run(self, ns, *command, **options):
        return subprocess.run(["ip", "netns", "exec", ns, *map(str, command)],
                              capture_output=True, text=True, timeout=60 * w.PATIENCE, **options)

    def drop_inbound(self):
        """No new connection from outside comes into the private host."""
        rules = self.run(self.inside, "nft",
                         'add table inet guard; '
                         'add chain inet guard input { type filter hook input priority 0; }; '
                         'add rule inet guard input iifname != "lo" '
                         'tcp flags & (syn|ack) == syn counter drop')
        if rules.returncode != 0:
            pytest.skip(f"nftables does not work here: {rules.stderr}")

    def drop(self, ns, what):
        rules = self.run(ns, "nft", "add table inet hole; add chain inet hole input "
                         "{ type filter hook input priority 0; }; "
                         f"add rule inet hole input {what} drop")
        assert rules.returncode == 0, rules.stderr

    def world(self, make_world, public=None, **options):
        """The processes on their hosts, not started. `public`: how the private one dials."""
        outside, inside = (["ip", "netns", "exec", ns] for ns in (self.out, self.inside))
        public = public or self.public_ip
        return make_world(
            fixed=True,
            prefixes={"public-relay": outside, "public-proxy": outside, "private-relay": inside,
                      "private-proxy": inside, "internal-server": inside, "streamer": inside},
            # What the private host dials, and where that is listened to.
            replace={"localhost:9999": f"{public}:9999", "127.0.0.1:9999": f"{public}:9999",
                     "localhost:5556": f"{self.public_ip}:5556",
                     "127.0.0.1:5556": f"{self.public_ip}:5556"}, **options)

    def ask(self, seconds=10):
        """A client on the public host."""
        return self.run(self.out, "curl", "-sS", "--max-time", round(seconds * w.PATIENCE), "--cacert", tls_peer.CA,
                        "--resolve", f"{tls_peer.NAME}:4433:127.0.0.1",
                        f"https://{tls_peer.NAME}:4433/jsonrpc")

    def answers(self):
        return self.ask().stdout == SUCCESS

    def dropped(self):
        rules = json.loads(self.run(self.inside, "nft", "-j", "list", "ruleset").stdout)
        return sum(e["counter"]["packets"] for r in rules["nftables"] if "rule" in r
                   for e in r["rule"]["expr"] if "counter" in e)


@pytest.mark.skipif(not shutil.which("nft"), reason="needs nft")
@pytest.mark.limit(120)
def test_private_side_accepts_no_inbound_connection(make_world):
    with Hosts() as hosts:
        hosts.drop_inbound()
        world = hosts.world(make_world)
        world.start()
        w.wait_until(hosts.answers, 20, "an answer out of the private host", 0.2)
        streamed = hosts.run(hosts.out, w.TOOLS / "streamer", "client", "127.0.0.1", "4433",
                             "--hello", w.STREAM_NAME, "--up", "20000000", "--down", "20000000",
                             "--connections", "4", "--timeout", round(60 * w.PATIENCE))
        assert json.loads(streamed.stdout.splitlines()[-1])["failed"] == 0, streamed.stdout

        # Nothing had to be turned away, as nobody tried; and trying does not work.
        assert hosts.dropped() == 0
        for port in ("8877", "7766", "7776", "8888"):
            refused = hosts.run(hosts.out, "curl", "-sS", "--max-time", "1",
                                f"http://{hosts.private_ip}:{port}/")
            assert refused.returncode in (7, 28), refused
        assert hosts.dropped() > 0
        problems = world.stop()
        assert not problems, problems


@pytest.mark.skipif(not shutil.which("nft"), reason="needs nft")
@pytest.mark.limit(120)
def test_private_host_that_vanishes(make_world):
    """No FIN, no RST: what it has parked looks alive, and clients must not wait for it for ever."""
    with Hosts() as hosts:
        world = hosts.world(make_world, parked=(4, 4))
        world.extra("public-proxy-1", {"public": {"accept_timeout": "2s"}}, "920_timeout")
        world.start()
        w.wait_until(hosts.answers, 20, "an answer out of the private host", 0.2)
        time.sleep(w.SLOW)  # what was taken is replaced
        hosts.drop(hosts.inside, 'iifname "wire"')
        begin = time.monotonic()
        assert hosts.ask(30).returncode in (35, 56)
        assert time.monotonic() - begin > 1.5, "accept_timeout is 2 s"
        world["public-proxy"].wait_log("reason=the parked connection was dead")
        hosts.run(hosts.inside, "nft", "delete table inet hole")
        w.wait_until(hosts.answers, 60, "it is back", 0.2)


@pytest.mark.limit(120)
def test_internal_port_that_the_private_proxy_picks_for_itself(make_world):
    """Nobody listens on it, and connect() may meet its own end: no client gets its hello back."""
    with Hosts() as hosts:
        low, high = 40000, 40255
        set_range = hosts.run(hosts.inside, "sysctl", "-qw",
                              f"net.ipv4.ip_local_port_range={low} {high}")
        assert set_range.returncode == 0, set_range.stderr
        world = hosts.world(make_world)
        name = "nobody.internal-server.local"
        world.extra("private-proxy-1", {"private": {"announcements": [{
            "domain": name, "proxies": ["public-proxy-1.ga"],
            "internal_address": f"127.0.0.1:{low + 10}"}]}}, "920_nobody")
        world.start()
        w.wait_until(hosts.answers, 20, "an answer out of the private host", 0.2)
        # Ports are tried in turn, every second one first: each of them comes.
        tried = hosts.run(hosts.out, w.TOOLS / "streamer", "client", "127.0.0.1", "4433",
                          "--hello", name, "--up", 10, "--down", 10, "--connections", 8,
                          "--total", 400, "--expect-reset", "--timeout", round(50 * w.PATIENCE))
        assert json.loads(tried.stdout.splitlines()[-1])["ok"] == 400, tried.stdout


@pytest.mark.skipif(not shutil.which("nft"), reason="needs nft")
@pytest.mark.limit(120)
def test_public_address_that_is_silent(make_world):
    """The first of two addresses of the public proxy swallows everything: the second is tried."""
    with Hosts() as hosts:
        silent, name = "192.0.2.9", "public.example"
        ip("-n", hosts.out, "address", "add", f"{silent}/24", "dev", "wire")
        hosts.drop(hosts.out, f"ip daddr {silent}")
        hosts.names(hosts.inside, (silent, name), (hosts.public_ip, name))
        hosts.names(hosts.out, (hosts.public_ip, name))
        world = hosts.world(make_world, public=name)
        world.extra("private-proxy-1", {"limits": {"dial_timeout": "2s"}}, "920_timeout")
        world.start()
        w.wait_until(hosts.answers, 30, "an answer by the second address", 0.2)
        begin = time.monotonic()
        assert hosts.answers()
        assert 0.8 < time.monotonic() - begin < 4 * w.PATIENCE, "half of dial_timeout for the first"


@pytest.mark.limit(180)
@pytest.mark.parametrize("dialect", ["hyper", "eps"])
def test_demo(dialect):
    """The README's command, in a network of its own."""
    done = subprocess.run(
        ["unshare", "--net", "sh", "-c", "ip link set lo up && exec tools/demo.sh \"$1\"", "sh",
         dialect],
        cwd=w.ROOT, env={**os.environ, "PASSAGE_BIN": str(w.BIN), "DEMO_DIR": f"/tmp/psg-{os.getpid()}"},
        capture_output=True, text=True, timeout=120)
    shutil.rmtree(f"/tmp/psg-{os.getpid()}", ignore_errors=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == '{"message":"success"}'
