# SPDX-License-Identifier: BSD-2-Clause
"""Server names as they are in use, which are more than host names; and what is none."""

import json
import re
import ssl
import subprocess
import urllib.request

import pytest

import world as w

SUCCESS = b'{"message":"success"}\n'
PUBLIC = "public-proxy-1.ga"
ZONE = "internal-server.local"
UNRECOGNIZED_NAME = 112

# What clients ask for, and the name that it is.
UNDER_A_WILDCARD = {
    f"a_b.{ZONE}": f"a_b.{ZONE}",
    f"_x.{ZONE}": f"_x.{ZONE}",
    f"abc-.{ZONE}": f"abc-.{ZONE}",
    f"-abc.{ZONE}": f"-abc.{ZONE}",
    f"www.{ZONE}.": f"www.{ZONE}",
    f"A_B-.{ZONE.upper()}.": f"a_b-.{ZONE}",
}
ANNOUNCED = {
    f"c_d.deep.{ZONE}": f"c_d.deep.{ZONE}",
    f"_Y.deep.{ZONE}.": f"_y.deep.{ZONE}",
    f"-e-.deep.{ZONE}": f"-e-.deep.{ZONE}",
}
BY_MESSAGE = f"_Z.deep.{ZONE}."


def hello_with(name):
    """A ClientHello whose server name is these bytes, whatever they are."""
    extension = len(name).to_bytes(2, "big") + name
    extension = b"\0" + extension
    extension = len(extension).to_bytes(2, "big") + extension
    extension = b"\0\0" + len(extension).to_bytes(2, "big") + extension
    body = b"\3\3" + bytes(32) + b"\0" + b"\0\2\x13\1" + b"\1\0"
    body += len(extension).to_bytes(2, "big") + extension
    message = b"\1" + len(body).to_bytes(3, "big") + body
    return b"\x16\3\1" + len(message).to_bytes(2, "big") + message


def ask(world, name):
    """An answer of the internal server to a client whose server name is exactly this."""
    done = subprocess.run(
        ["openssl", "s_client", "-quiet", "-connect", f"127.0.0.1:{world.ports['tls']}",
         "-servername", name, "-CAfile", str(w.CA), "-verify_return_error"],
        input=b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", capture_output=True,
        timeout=30 * w.SLOW)
    return done.stdout


def world_with_names(make_world, parked):
    world = make_world(parked=parked)
    world.extra("private-proxy-1", {"private": {"announcements": [
        {"domain": name, "proxies": [PUBLIC]} for name in [f"*.{ZONE}.", *ANNOUNCED]
    ]}}, "950_names")
    world.start().wait_ready()
    return world


def announce(world, domain):
    """By a message to the private proxy, as its relay passes one on."""
    caller = {"name": "hd-1", "entry": {"name": "hd-1", "settings": [
        {"operator": "", "service": "proxy", "environment": "",
         "settings": {"allowed_domains": [f".Deep.{ZONE}."]}}]}}
    request = {"jsonrpc": "2.0", "id": "1", "method": "announceConnection",
               "params": {"_client": caller, "domain": domain, "proxy": PUBLIC}}
    url = f"http://127.0.0.1:{world.ports['private-proxy']}/jsonrpc"
    with urllib.request.urlopen(urllib.request.Request(
            url, json.dumps(request).encode(), {"Content-Type": "application/json"}),
            timeout=10 * w.SLOW) as answer:
        return json.loads(answer.read())


@pytest.mark.parametrize("parked", [(1, 0), (2, 2)], ids=["rendezvous", "parked"])
def test_names_that_are_no_host_names(make_world, parked):
    world = world_with_names(make_world, parked)
    for asked, name in {**UNDER_A_WILDCARD, **ANNOUNCED}.items():
        assert SUCCESS in ask(world, asked), asked
        for proxy in ("public-proxy", "private-proxy"):
            world[proxy].wait_log(f"name={re.escape(name)} ")
    # A wildcard stands for one label.
    assert b"" == ask(world, f"_a.b_.{ZONE}")


def test_a_name_that_a_message_announces(make_world):
    world = world_with_names(make_world, (1, 0))
    assert announce(world, BY_MESSAGE)["result"] == "ok"
    assert SUCCESS in ask(world, BY_MESSAGE)
    # It is in the datastore without its dot, and so for both proxies after a restart.
    for proxy in ("public-proxy", "private-proxy"):
        world[proxy].stop()
        world.start(proxy)
    world.wait_ready()
    assert SUCCESS in ask(world, BY_MESSAGE.rstrip("."))


def test_clients_that_check_the_certificate(make_world):
    """curl takes the dot off by itself; *.internal-server.local is in the certificate."""
    world = world_with_names(make_world, (1, 0))
    for name in (f"a_b.{ZONE}", f"_x.{ZONE}", f"abc-.{ZONE}", f"www.{ZONE}."):
        done = world.curl(name=name)
        assert done.stdout == SUCCESS, (name, done.stderr)


@pytest.mark.parametrize("name, told", [
    (b"a b." + ZONE.encode(), rf"a\x20b.{ZONE}"),
    (b"x\n2026-11-22T09:35:31.123Z ERROR proxy: on fire",
     r"x\x0a2026-11-22T09:35:31.123Z\x20ERROR\x20proxy:\x20on\x20fire"),
    (b"\x1b[2J\x1b]0;title\x07" + ZONE.encode(), rf"\x1b[2J\x1b]0;title\x07{ZONE}"),
    (b'"quoted\'\\' + ZONE.encode(), rf"\x22quoted\x27\x5c{ZONE}"),
    ("bücher.de".encode(), r"b\xc3\xbccher.de"),
    (b"\xc2\x9b31m." + ZONE.encode(), rf"\xc2\x9b31m.{ZONE}"),
    (b"nul\0." + ZONE.encode(), rf"nul\x00.{ZONE}"),
    (b"192.0.2.1", "192.0.2.1"),
    (b"192.0.2.1.", "192.0.2.1."),
    (b"::1", "::1"),
    (b"a..b." + ZONE.encode(), f"a..b.{ZONE}"),
    (b"*." + ZONE.encode(), f"*.{ZONE}"),
    (b"x" * 64 + b"." + ZONE.encode(), "x" * 64 + f".{ZONE}"),
    (b"", "-"),
    (b"\n" * 8000, r"\x0a" * 62 + "..."),
], ids=["space", "newline", "terminal", "quotes", "umlaut", "c1", "nul", "ipv4", "ipv4-dot", "ipv6",
        "empty-label", "wildcard", "long-label", "empty", "8000-newlines"])
def test_what_is_no_name_is_refused_and_told(shared, name, told):
    log = shared["public-proxy"]
    start = len(log.log())
    lines = log.log_path.read_bytes().count(b"\n")
    with shared.connect() as s:
        s.sendall(hello_with(name))
        assert s.recv(7) == bytes([21, 3, 3, 0, 2, 2, UNRECOGNIZED_NAME])
        assert s.recv(1) == b""
    log.wait_log(re.escape(f"name={told} operator=- ") + ".* reason=server name is no host name",
                 start=start)
    data = log.log_path.read_bytes()
    assert data.count(b"\n") - lines == 1, "one line tells it, whatever is in it"
    line = data.splitlines()[lines]
    assert all(0x20 <= byte < 0x7f for byte in line) and len(line) < 600


def test_a_name_that_nobody_has_announced(shared):
    for name in ("a_b.example.org", "_x.example.org", "www.example.org."):
        with pytest.raises(ssl.SSLError, match="(?i)unrecognized.name"):
            shared.tls(name=name)
