# SPDX-License-Identifier: BSD-2-Clause
"""Load balancers in front of the public proxy, which tell by the PROXY protocol who the client is:
HAProxy as a real one, and by hand what others send."""

import contextlib
import random
import re
import shutil
import socket
import struct
import subprocess
import time

import pytest

import tls_peer
import world as w

SUCCESS = b'{"message":"success"}\n'
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
HAPROXY = shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
LONGEST = 16 + 65535


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


def tlv(kind, value):
    return bytes([kind]) + struct.pack("!H", len(value)) + value


def v2(command=0x21, family=0x11, addresses=bytes([192, 0, 2, 9, 198, 51, 100, 1]) + b"\x12\x67\1\xbb",
       tlvs=b""):
    """By default from 192.0.2.9:4711."""
    body = addresses + tlvs
    return SIGNATURE + bytes([command, family]) + struct.pack("!H", len(body)) + body


def checked(header):
    """The header with a checksum at its end."""
    length = struct.unpack("!H", header[14:16])[0] + 7
    header = header[:14] + struct.pack("!H", length) + header[16:] + tlv(3, bytes(4))
    return header[:-4] + struct.pack("!I", crc32c(header))


@pytest.fixture(scope="module")
def balanced(tmp_path_factory):
    """A world whose public proxy wants a PROXY header."""
    world = w.World(tmp_path_factory.mktemp("balanced"), parked=(2, 2))
    world.extra("public-proxy-1", {"public": {"proxy_protocol": "required"},
                                   "anonymize_clients": False}, "950_test")
    world.start()
    world["private-proxy"].wait_log("announced: ", 20)

    def answered():
        with contextlib.suppress(OSError):
            return request(world, v2())

    w.wait_until(answered, 15, "an answer through all processes", 0.1)
    yield world
    problems = world.stop()
    assert not problems, problems


def now(world):
    return len(world["public-proxy"].log())


def request(world, header, pieces=()):
    """A client of whom this header tells, which comes in two pieces or more, is answered; what the
    log says who it was."""
    start = now(world)
    with world.connect() as raw:
        at = 0
        for piece in pieces:
            raw.sendall(header[at:piece])
            at = piece
            time.sleep(0.01)
        hello, session = tls_peer.client_hello()
        raw.sendall(header[at:] + hello)
        assert tls_peer.converse(raw, session).endswith(SUCCESS)
    return world["public-proxy"].wait_log(r"closed: client=(\S+) name=test", start=start)[1]


def refused(world, header):
    """How a connection ends that begins so: nothing is answered."""
    with world.connect() as raw:
        try:
            raw.sendall(header + tls_peer.client_hello()[0])
            assert raw.recv(100) == b""
            return "fin"
        except (ConnectionResetError, BrokenPipeError):
            return "reset"


@pytest.mark.parametrize("header, client", [
    (b"PROXY TCP4 192.0.2.7 198.51.100.1 4711 443\r\n", "192.0.2.7:4711"),
    (b"PROXY TCP6 2001:db8::7 2001:db8::1 4711 443\r\n", "[2001:db8::7]:4711"),
    (b"PROXY UNKNOWN\r\n", "127.0.0.1:"),
    (b"PROXY UNKNOWN " + b"f" * 91 + b"\r\n", "127.0.0.1:"),
    (v2(), "192.0.2.9:4711"),
    (v2(family=0x12), "192.0.2.9:4711"),
    (v2(family=0x31, addresses=bytes(216)), "127.0.0.1:"),
    (v2(family=0, addresses=b""), "127.0.0.1:"),
    (v2(tlvs=tlv(2, b"x" * 255) + tlv(5, b"y" * 128) + tlv(0x30, b"z" * 300)), "192.0.2.9:4711"),
    (v2(tlvs=tlv(2, b"x" * 1000)), "192.0.2.9:4711"),
    (v2(tlvs=tlv(0xea, b"\1vpce-08d2bf15fac5001c9") + tlv(4, bytes(36))), "192.0.2.9:4711"),
    (v2(tlvs=tlv(0xe0, bytes(8))), "192.0.2.9:4711"),
    (v2(tlvs=tlv(0xee, b"\1" + bytes(4))), "192.0.2.9:4711"),
    (checked(v2(tlvs=tlv(2, b"a_b.example.org"))), "192.0.2.9:4711"),
    (v2(0x20, 0, b""), "127.0.0.1:"),
    (v2(0x20, 0x11), "127.0.0.1:"),
    (v2(0x20, 0, b"\x03\0\4wrong, and of no TLV"), "127.0.0.1:"),
    (v2(0x20, 0xff, random.Random(1).randbytes(700)), "127.0.0.1:"),
], ids=["v1-tcp4", "v1-tcp6", "v1-unknown", "v1-unknown-with", "v2-tcp4", "v2-udp4", "v2-unix",
        "v2-unspec", "longest-tlvs", "long-authority", "aws", "gcp", "azure", "crc32c", "local",
        "local-with-addresses", "local-with-anything", "local-of-no-family"])
def test_who_the_client_is(balanced, header, client):
    assert request(balanced, header).startswith(client)
    in_pieces = range(1, len(header), 1 + len(header) // 40)
    assert request(balanced, header, in_pieces).startswith(client)


@pytest.mark.parametrize("command", [0x21, 0x20], ids=["proxy", "local"])
@pytest.mark.parametrize("pieces", [(), (1, 16, 536, 537, 30000, 60000), (LONGEST - 1, LONGEST)],
                         ids=["at-once", "in-some-pieces", "its-last-byte-alone"])
def test_the_longest_header(balanced, command, pieces):
    """64 KiB, with what is checked at its end."""
    header = checked(v2(command, tlvs=tlv(0xe1, bytes(40000)) + tlv(0x20, bytes(65535 - 40025))))
    assert len(header) == LONGEST
    client = "192.0.2.9:4711" if command == 0x21 else "127.0.0.1:"
    assert request(balanced, header, pieces).startswith(client)


@pytest.mark.parametrize("header, reason", [
    (checked(v2())[:-1] + b"\0", "the PROXY header's checksum is wrong"),
    (checked(v2(tlvs=tlv(0xe1, bytes(50000)))).replace(bytes(9), bytes(8) + b"x", 1),
     "the PROXY header's checksum is wrong"),
    (v2(tlvs=tlv(5, b"y" * 129)), "no PROXY header"),
    (v2(tlvs=b"\x04\xff\xff"), "no PROXY header"),
    (v2(family=0x41), "no PROXY header"),
    (v2(family=0x13), "no PROXY header"),
    (v2(0x22), "no PROXY header"),
    (v2(0x11), "no PROXY header"),
    (v2(addresses=bytes(11)), "no PROXY header"),
    (b"PROXY UNKNOWNX\r\n", "no PROXY header"),
    (b"PROXY UNKNOWN\n", "no PROXY header"),
    (b"PROXY UNKNOWN " + b"f" * 92 + b"\r\n", "no PROXY header"),
    (b"PROXY TCP4 192.0.2.7  198.51.100.1 4711 443\r\n", "no PROXY header"),
    (b"", "no PROXY header"),
], ids=["crc32c", "crc32c-of-a-long-one", "long-id", "torn-tlv", "family", "transport", "command",
        "version", "short", "v1-word", "v1-lf", "v1-long", "v1-spaces", "none"])
def test_what_is_no_header(balanced, header, reason):
    start = now(balanced)
    assert refused(balanced, header) == "reset"
    balanced["public-proxy"].wait_log(re.escape(f"reason={reason}"), start=start)


def test_headers_that_never_end(balanced):
    """They cost no memory while they come, and end with the time for the ClientHello."""
    port = balanced.ports["tls"]
    header = v2(0x20, tlvs=bytes(65535 - 12))
    begin = time.monotonic()
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(balanced.connect(timeout=20)) for _ in range(100)]
        for s in clients:
            s.sendall(header[:-1])

        def waiting():
            out = subprocess.run(["ss", "-Htn", "state", "established", f"( sport = :{port} )"],
                                 capture_output=True, text=True, timeout=10).stdout
            return [int(line.split()[0]) for line in out.splitlines()]

        w.wait_until(lambda: len(waiting()) >= 100 and max(waiting()) == 0, 4,
                     "all read, nothing in a socket")
        assert request(balanced, v2())
        for s in clients:
            with contextlib.suppress(ConnectionResetError):
                assert s.recv(1) == b""
    assert time.monotonic() - begin < 8 * w.SLOW


# ---- HAProxy

CONFIG = """
global
    stats socket {dir}/stats
defaults
    mode tcp
    timeout connect 5s
    timeout client 20s
    timeout server 20s
{listens}
"""
LISTEN = """
listen {name}
    bind 127.0.0.1:{port}{bind}
    unique-id-format %{{+X}}o\\ %ci:%cp_%Ts
    server public 127.0.0.1:{public} {options}
"""
TLS = "proxy-v2-options ssl,cert-cn,ssl-cipher,cert-sig,cert-key,crc32c,unique-id,authority"
BALANCERS = {
    "v1": ("", "send-proxy check inter 100ms"),
    "v2": ("", "send-proxy-v2 check inter 100ms"),
    "v2-options": ("", "send-proxy-v2 proxy-v2-options crc32c,unique-id,authority "
                       "check inter 100ms"),
    # HAProxy ends the client's TLS, tells what was in it, and begins its own.
    "v2-ssl-cn": (" ssl crt {dir}/server.pem", "send-proxy-v2-ssl-cn " + TLS +
                  " ssl verify none sni str(test.internal-server.local) check inter 100ms "
                  "check-sni test.internal-server.local"),
}


class HAProxy:
    def __init__(self, world):
        self.dir = world.dir / "haproxy"
        self.dir.mkdir(exist_ok=True)
        certs = w.DEV / "certs"
        (self.dir / "server.pem").write_bytes(
            (certs / "internal-server.crt").read_bytes() +
            (certs / "internal-server.key").read_bytes())
        self.ports = dict(zip(BALANCERS, w.free_ports(len(BALANCERS))))
        listens = "".join(
            LISTEN.format(name=name, port=self.ports[name], bind=bind.format(dir=self.dir),
                          public=world.ports["tls"], options=options)
            for name, (bind, options) in BALANCERS.items())
        config = self.dir / "haproxy.cfg"
        config.write_text(CONFIG.format(dir=self.dir, listens=listens))
        with open(self.dir / "log", "wb") as log:
            self.popen = subprocess.Popen([HAPROXY, "-db", "-f", config], stdout=log, stderr=log)

    def stop(self):
        self.popen.terminate()
        self.popen.wait(20)

    def checks(self):
        """What its health checks say: name → (status, last check)."""
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(str(self.dir / "stats"))
            s.sendall(b"show stat\n")
            text = b"".join(iter(lambda: s.recv(65536), b"")).decode()
        lines = [line.split(",") for line in text.splitlines() if line]
        status, check = lines[0].index("status"), lines[0].index("check_status")
        return {f[0]: (f[status], f[check]) for f in lines[1:] if f[1] == "public"}


@pytest.fixture
def haproxy(balanced):
    if not HAPROXY:
        pytest.skip("haproxy is not installed")
    balancer = HAProxy(balanced)
    try:
        yield balancer
    finally:
        balancer.stop()


def test_haproxy(balanced, haproxy):
    def all_up():
        with contextlib.suppress(OSError):
            checks = haproxy.checks()
            # "* L6OK": the last one was well, and the next is under way.
            return checks if all(c[0] == "UP" and c[1].lstrip("* ") in ("L4OK", "L6OK")
                                 for c in checks.values()) else None

    checks = w.wait_until(all_up, 15, f"health checks: {haproxy.dir}")
    assert set(checks) == set(BALANCERS)
    for name, port in haproxy.ports.items():
        start = now(balanced)
        raw = socket.create_connection(("127.0.0.1", port), timeout=10 * w.SLOW)
        client = "%s:%d" % raw.getsockname()
        with tls_peer.client_context().wrap_socket(raw, server_hostname=w.NAME) as s:
            assert tls_peer.http(s, close=True) == SUCCESS, name
        balanced["public-proxy"].wait_log(f"client={re.escape(client)} name={w.NAME} ", start=start)
    # Nobody was taken for a stranger: the checks had a header each time.
    time.sleep(0.5)
    assert all_up(), haproxy.checks()
    assert haproxy.popen.poll() is None
