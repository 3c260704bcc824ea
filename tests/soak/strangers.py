# SPDX-License-Identifier: BSD-2-Clause
"""Connections of people who know nothing, or mean no good. Each ends soon, and gets no more than an
alert."""

import os
import socket
import struct
import time

import tls_peer
import world as w
from judge import Item

HELLO_TIMEOUT = 5  # as the proxies have it
LIMIT = 20  # seconds, of which a proxy may stand still for some

NAMES = ("unknown.example", "x" * 60 + ".internal-server.local")


def pieces(rng):
    """What is sent, piece by piece; None: RST."""
    known, unknown = tls_peer.client_hello()[0], tls_peer.client_hello(rng.choice(NAMES))[0]
    cut = rng.randint(1, len(known) - 1)
    return rng.choice([
        [],
        [os.urandom(rng.randint(1, 5000))],
        [b"GET / HTTP/1.0\r\n\r\n"],
        [b"\x16\x03\x01" + os.urandom(400)],
        [known[:cut]],
        [known[:cut], None],
        [bytes([b]) for b in known[:40]],
        [unknown],
        [unknown[:70], unknown[70:]],
        [bytes.fromhex("160301400001003ffc0303") + bytes(15000)],
        [None],
    ])


def stranger(world, rng):
    """They come in groups, from one address."""
    source = f"127.9.{rng.randint(0, 255)}.{rng.randint(1, 254)}"
    group, items = [], []
    for _ in range(rng.randint(1, 6)):
        began = time.monotonic()
        s = socket.socket()
        s.settimeout(LIMIT * w.SLOW)
        try:
            s.bind((source, 0))
            s.connect(world.tls_address)
            group.append((began, s))
            for piece in pieces(rng):
                if piece is None:
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    s.close()
                    break
                s.sendall(piece)
        except ConnectionRefusedError as e:
            items.append(Item("", began, time.monotonic(), False, f"{e!r}", "bad"))
        except OSError:
            pass  # refused before it was done
    for began, s in group:
        why = ended(s)
        items.append(Item("", began, time.monotonic(), not why, why, "bad", int(bool(why))))
    return items


def ended(s):
    """What is wrong about how the proxy ended it."""
    if s.fileno() < 0:
        return ""
    data = b""
    with s:
        try:
            while part := s.recv(4096):
                data += part
        except TimeoutError:
            if answers(s):
                return f"open after {LIMIT * w.SLOW} s"
        except OSError:
            pass
    if data and (data[0] != 0x15 or len(data) > 7):
        return f"wrong answer to a stranger: {data[:40]}"
    return ""


def answers(s):
    """The other side still has the connection: a RST may have been lost, nobody sends it again."""
    try:
        for _ in range(5):
            s.sendall(b"?")
            time.sleep(0.2)
        return True
    except OSError:
        return False
