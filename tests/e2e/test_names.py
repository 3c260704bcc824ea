# SPDX-License-Identifier: BSD-2-Clause
"""Relays, public proxies and internal servers given by name, with name servers of Debian: dnsmasq."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

import world as w
from test_namespaces import SUCCESS, Hosts

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root"),
    pytest.mark.skipif(not shutil.which("dnsmasq"), reason="needs dnsmasq"),
    pytest.mark.skipif(not shutil.which("nft"), reason="needs nft"),
]

SILENT = "127.0.0.9"  # a name server that swallows everything


class NamedHosts(Hosts):
    """The private host knows the others by its name server only."""

    def __enter__(self):
        super().__enter__()
        self.servers = []
        self.zone_file = Path(tempfile.mkstemp(prefix="zone-")[1])
        self.zone_file.chmod(0o644)
        self.folder = Path(f"/etc/netns/{self.inside}")
        self.folder.mkdir(parents=True)
        (self.folder / "hosts").write_text("127.0.0.1 localhost\n")
        self.resolv_conf("127.0.0.1")
        outside = Path(f"/etc/netns/{self.out}")
        outside.mkdir(parents=True)
        (outside / "hosts").write_text(
            f"127.0.0.1 localhost\n{self.public_ip} relay.test public.test\n")
        return self

    def __exit__(self, *what):
        for server in self.servers:
            server.kill()
            server.wait()
        self.zone_file.unlink()
        super().__exit__(*what)

    def resolv_conf(self, *servers, more=""):
        """In place: it is mounted over the real one, for those who run already, too."""
        text = "".join(f"nameserver {s}\n" for s in servers) + more
        (self.folder / "resolv.conf").write_text(text)

    def zone(self, *pairs):
        self.zone_file.write_text("".join(f"{a} {n}\n" for n, a in pairs))
        for server in self.servers:
            server.send_signal(signal.SIGHUP)

    def serve(self, *options, ip="127.0.0.1"):
        server = subprocess.Popen(
            ["ip", "netns", "exec", self.inside, "dnsmasq", "--keep-in-foreground",
             "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--user=root", "--pid-file",
             f"--addn-hosts={self.zone_file}", f"--listen-address={ip}", "--bind-interfaces",
             "--local-ttl=1", *options],
            stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.servers.append(server)
        return server

    def swallow(self, ip):
        rules = self.run(self.inside, "nft", "add table ip deaf; add chain ip deaf in "
                         "{ type filter hook input priority 0; }; "
                         f"add rule ip deaf in ip daddr {ip} drop")
        assert rules.returncode == 0, rules.stderr

    def world(self, make_world, **options):
        outside, inside = (["ip", "netns", "exec", ns] for ns in (self.out, self.inside))
        world = make_world(
            fixed=True,
            prefixes={"public-relay": outside, "public-proxy": outside, "private-relay": inside,
                      "private-proxy": inside, "internal-server": inside, "streamer": inside},
            replace={"localhost:9999": "public.test:9999", "127.0.0.1:9999": "public.test:9999",
                     "localhost:5556": "relay.test:5556", "127.0.0.1:5556": "relay.test:5556"},
            **options)
        world.extra("private-proxy-1", {"private": {"announcements": [
            {"domain": "www.internal-server.local", "proxies": ["public-proxy-1.ga"],
             "internal_address": "back.test:8888"}]}}, "910_names")
        return world

    def usual(self, back="127.0.0.1"):
        self.zone(("public.test", self.public_ip), ("relay.test", self.public_ip),
                  ("back.test", back))

    def get(self, seconds=10):
        """What the server behind back.test says, and how long that took."""
        name = "www.internal-server.local"
        start = time.monotonic()
        answer = self.run(self.out, "curl", "-sS", "-k", "--max-time", seconds, "--resolve",
                          f"{name}:4433:127.0.0.1", f"https://{name}:4433/jsonrpc")
        return answer.stdout, time.monotonic() - start

    def wait(self):
        w.wait_until(self.answers, 20, "an answer through names", every=0.2)
        w.wait_until(lambda: self.get()[0] == SUCCESS, 20, "an answer of back.test", every=0.2)


@pytest.mark.limit(120)
def test_the_first_name_server_is_silent(make_world):
    with NamedHosts() as hosts:
        hosts.swallow(SILENT)
        hosts.resolv_conf(SILENT, "127.0.0.1")
        hosts.usual()
        hosts.serve()
        world = hosts.world(make_world)
        world.start()
        hosts.wait()
        took = []
        for _ in range(10):
            text, seconds = hosts.get()
            assert text == SUCCESS
            took.append(seconds)
            time.sleep(0.3)
        # It was noticed once. From then on nobody waits for it, though the TTL is a second.
        assert max(took) < 1 * w.SLOW, took
        world["private-proxy"].wait_log(f"name server {SILENT}:53: Timeout while contacting")


@pytest.mark.limit(120)
def test_an_answer_too_long_for_udp(make_world):
    with NamedHosts() as hosts:
        many = [("back.test", "127.0.0.1")] + [("back.test", f"127.0.1.{i}") for i in range(1, 100)]
        hosts.zone(("public.test", hosts.public_ip), ("relay.test", hosts.public_ip), *many)
        hosts.serve("--edns-packet-max=512")
        world = hosts.world(make_world)
        world.start()
        w.wait_until(hosts.answers, 20, "an answer through names", every=0.2)
        # Nobody listens at some of the addresses; the name is resolved all the same.
        hosts.get()
        assert "cannot be resolved" not in world["private-proxy"].log()


@pytest.mark.limit(120)
def test_the_internal_server_moves(make_world):
    with NamedHosts() as hosts:
        hosts.usual(back="127.0.0.1")
        hosts.serve()
        world = hosts.world(make_world)
        world.start()
        hosts.wait()
        hosts.usual(back="127.0.0.99")  # nobody is there
        time.sleep(2.5)
        assert hosts.get()[0] == ""
        hosts.usual(back="127.0.0.1")
        time.sleep(2.5)
        # The worker remembers an address for a second, and the TTL is one.
        assert hosts.get()[0] == SUCCESS


@pytest.mark.limit(120)
def test_name_servers_change_and_fail(make_world):
    with NamedHosts() as hosts:
        hosts.usual()
        hosts.serve(ip="127.0.0.3")
        hosts.resolv_conf("127.0.0.3")
        world = hosts.world(make_world)
        private = world["private-proxy"]
        world.start()
        hosts.wait()
        # resolv.conf changes: the new server is asked, which knows another address.
        hosts.servers.pop().kill()
        time.sleep(1.2)
        for _ in range(5):  # nobody answers, and the old address serves on
            assert hosts.get()[0] == SUCCESS
            time.sleep(0.3)
        hosts.zone(("public.test", hosts.public_ip), ("relay.test", hosts.public_ip),
                   ("back.test", "127.0.0.98"))
        hosts.serve(ip="127.0.0.4")
        hosts.resolv_conf("127.0.0.4")
        w.wait_until(lambda: hosts.get()[0] == "", 10, "the new server's address", every=0.5)
        private.wait_log(r"/etc/resolv\.conf has changed")
        # /etc/hosts goes before all of them.
        (hosts.folder / "hosts").write_text("127.0.0.1 localhost back.test\n")
        w.wait_until(lambda: hosts.get()[0] == SUCCESS, 10, "the address of /etc/hosts", every=0.5)


@pytest.mark.limit(120)
def test_the_reason_is_told(make_world):
    with NamedHosts() as hosts:
        hosts.zone(("public.test", hosts.public_ip), ("relay.test", hosts.public_ip))
        hosts.serve("--local=/test/")
        world = hosts.world(make_world)
        world.start()
        w.wait_until(hosts.answers, 20, "an answer through names", every=0.2)
        text, seconds = hosts.get()
        assert text == ""
        assert seconds < 5 * w.SLOW
        line = world["private-proxy"].wait_log(r".*back\.test:8888 cannot be resolved: .*").group()
        assert re.search(r"Domain name not found \(says name server 127\.0\.0\.1:53\)", line), line
        assert "No such file" not in world["private-proxy"].log()
        # And the public side does not say that nobody has announced the name.
        line = world["public-proxy"].wait_log(r"cannot be sent for: refused: .*").group()
        assert "502 the internal server's name is not resolved" in line
