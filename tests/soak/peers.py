# SPDX-License-Identifier: BSD-2-Clause
"""Real TLS peers: Python's OpenSSL, curl, openssl s_client, with the internal server."""

import hashlib
import json
import os
import ssl
import subprocess
import tempfile
import time

import tls_peer
import world as w
from judge import Item

SUCCESS = b'{"message":"success"}\n'
LIMIT = 40  # seconds
# What GET /bytes/N answers: each eight bytes are their own offset.
MOST = 2 * 1024 * 1024
COUNTED = b"".join(i.to_bytes(8, "big") for i in range(0, MOST, 8))


def request(world, rng):
    """One short request on a connection of its own, timed."""
    began, received, shaken = time.monotonic(), 0, False
    body = b""
    if rng.random() < 0.3:
        body = json.dumps({"n": rng.getrandbits(40), "x": "y" * rng.randint(0, 3000)},
                          separators=(",", ":")).encode()
    try:
        with world.tls(timeout=LIMIT) as s:
            shaken = True
            answer = tls_peer.http(s, "/jsonrpc", "POST" if body else "GET", body, close=True)
        received = len(answer)
        right = json.loads(answer) == json.loads(body) if body else answer == SUCCESS
        why, end = ("", "") if right else (f"wrong answer: {answer[:100]}", "bad")
    except (OSError, ValueError) as e:
        right, why = False, f"{e!r}"
        end = "reset" if isinstance(e, ConnectionResetError) else "bad"
    ended = time.monotonic()
    return [Item("", began, ended, right, why, end, received or int(shaken and not right),
                 len(body))]


def handshake_failed(done):
    """curl: no connection, or none that was ever encrypted."""
    return done.returncode in (7, 35)


def curl(world, rng):
    n = rng.choice([64, 8000, 200000, MOST])
    up = os.urandom(rng.choice([10, 5000, 300000]))
    began = time.monotonic()
    with tempfile.NamedTemporaryFile() as file:
        file.write(up)
        file.flush()
        what, args, path = rng.choice([
            ("requests", [], "/jsonrpc"), ("download", [], f"/bytes/{n}"),
            ("upload", ["--data-binary", f"@{file.name}"], "/upload")])
        if what == "requests":  # five on one connection
            url = f"https://{w.NAME}:{world.ports['tls']}{path}"
            # Its exit status is that of the last one, unless it ends with the first that fails.
            args = ["--fail-early", *[url] * 4]
        done = world.curl(*args, path=path, timeout=LIMIT, prefix=("setsid",))
    expected = {"requests": SUCCESS * 5, "download": COUNTED[:n]}.get(what)
    if done.returncode:
        right, why = False, f"{what}: curl says {done.returncode}: {done.stderr.decode()[-100:]}"
    elif what == "upload":
        right = hashlib.sha256(up).hexdigest().encode() in done.stdout
        why = f"upload: wrong answer {done.stdout[:100]}"
    else:
        right, why = done.stdout == expected, f"{what}: wrong answer of {len(done.stdout)} bytes"
    end = "reset" if b"reset by peer" in done.stderr or done.returncode in (35, 56) else "bad"
    return [Item("", began, time.monotonic(), right, "" if right else why, end,
                 0 if handshake_failed(done) else len(done.stdout) or 1, len(up))]


def s_client(world, _rng):
    began = time.monotonic()
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{world.ports['tls']}", "-servername",
         w.NAME, "-CAfile", str(w.CA), "-verify_return_error", "-quiet"],
        input=f"GET /jsonrpc HTTP/1.1\r\nHost: {w.NAME}\r\nConnection: close\r\n\r\n"
        .encode(), capture_output=True, timeout=LIMIT * w.SLOW + 5,
        start_new_session=True)
    right = done.stdout.endswith(SUCCESS)
    why = "" if right else f"status {done.returncode}: {done.stdout[-80:]} {done.stderr[-150:]}"
    end = "reset" if b"errno=104" in done.stderr else "bad"
    return [Item("", began, time.monotonic(), right, why, end, len(done.stdout))]


# kind → what it does, lanes, longest pause between two
PEERS = {
    "request": (request, 2, 0.1),
    "curl": (curl, 1, 0.5),
    "openssl": (s_client, 1, 1.0),
}

assert ssl.OPENSSL_VERSION_INFO >= (3,), "these are to be OpenSSL's peers"
