# SPDX-License-Identifier: BSD-2-Clause
"""A client of the internal server: TLS, by hand where the ClientHello matters, and one request."""

import contextlib
import re
import ssl
from pathlib import Path

CA = Path(__file__).resolve().parents[2] / "settings/dev/certs/root.crt"
NAME = "test.internal-server.local"

_context = None


def client_context():
    global _context
    if _context is None:
        _context = ssl.create_default_context(cafile=CA)
    return _context


def http(s, path="/jsonrpc", method="GET", body=b"", close=False):
    """One request on an open connection; the answer's body."""
    head = f"{method} {path} HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: {len(body)}\r\n"
    if close:
        head += "Connection: close\r\n"
    s.sendall(head.encode() + b"\r\n" + body)
    data = b""
    while b"\r\n\r\n" not in data:
        part = s.recv(65536)
        if not part:
            raise ConnectionError(f"closed inside the answer's head: {data!r}")
        data += part
    head, _, data = data.partition(b"\r\n\r\n")
    length = int(re.search(rb"(?i)content-length: *(\d+)", head)[1])
    while len(data) < length:
        part = s.recv(65536)
        if not part:
            raise ConnectionError(f"closed after {len(data)} of {length} bytes")
        data += part
    return data


def client_hello(name=NAME, alpn=None):
    """A ClientHello record, and the TLS object that goes on with the handshake."""
    context = ssl.create_default_context(cafile=CA)
    if alpn:
        context.set_alpn_protocols(alpn)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname=name)
    with contextlib.suppress(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read(), (tls, incoming, outgoing)


def messages(records):
    """The handshake bytes inside TLS records."""
    out = b""
    while records:
        length = int.from_bytes(records[3:5], "big")
        out += records[5:5 + length]
        records = records[5 + length:]
    return out


def reframe(records, size):
    """The same handshake bytes in records of `size` bytes each."""
    head, content = records[:3], messages(records)
    parts = [content[i:i + size] for i in range(0, len(content), size)]
    return b"".join(head + len(p).to_bytes(2, "big") + p for p in parts)


def converse(s, session, path="/jsonrpc"):
    """Go on from a hello that was sent by hand: handshake and one request."""
    tls, incoming, outgoing = session

    def pump(step):
        while True:
            try:
                result = step()
                if outgoing.pending:
                    s.sendall(outgoing.read())
                return result
            except ssl.SSLWantReadError:
                if outgoing.pending:
                    s.sendall(outgoing.read())
                data = s.recv(65536)
                if not data:
                    raise ConnectionError("closed in the handshake") from None
                incoming.write(data)

    pump(tls.do_handshake)
    pump(lambda: tls.write(f"GET {path} HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode()))
    data = b""
    while not data.endswith(b"}\n"):
        data += pump(lambda: tls.read(65536))
    return data
