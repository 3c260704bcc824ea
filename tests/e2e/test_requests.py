# SPDX-License-Identifier: BSD-2-Clause
"""Requests through both proxies and both relays, with real peers."""

import concurrent.futures
import hashlib
import json
import re
import socket
import ssl
import subprocess

import pytest

import tls_peer
import world as w

MANY = 200 if w.SANITIZED else 1000
BULK = (20 if w.SANITIZED else 200) * 1024 * 1024


def offsets_sha256(n):
    """Of what the internal server sends for /bytes/N."""
    digest = hashlib.sha256()
    for start in range(0, n, 1 << 20):
        end = min(n, start + (1 << 20))
        block = b"".join(i.to_bytes(8, "big") for i in range(start, end, 8))
        digest.update(block[: end - start])
    return digest.hexdigest()


def test_curl(shared):
    done = shared.curl()
    assert done.stdout == b'{"message":"success"}\n', done.stderr


def test_curl_post_echoes(shared):
    done = shared.curl("--data", '{"method":"_test","params":{"a":1},"id":"2","jsonrpc":"2.0"}',
                       "--header", "Content-Type: application/json; charset=utf-8")
    assert json.loads(done.stdout)["params"] == {"a": 1}, done.stderr


def test_openssl_s_client(shared):
    done = subprocess.run(
        ["openssl", "s_client", "-quiet", "-connect", f"127.0.0.1:{shared.ports['tls']}",
         "-servername", w.NAME, "-CAfile", w.CA, "-verify_return_error"],
        input=b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", capture_output=True,
        timeout=30)
    assert b'{"message":"success"}' in done.stdout, done.stderr


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_versions(shared, version):
    context = ssl.create_default_context(cafile=w.CA)
    context.minimum_version = context.maximum_version = version
    with shared.tls(context=context) as s:
        assert tls_peer.http(s) == b'{"message":"success"}\n'


def test_certificate_is_the_internal_servers(shared):
    with shared.tls() as s:
        names = [v for k, v in s.getpeercert()["subjectAltName"] if k == "DNS"]
    assert "*.internal-server.local" in names


def test_ipv6_client(shared):
    try:
        raw = shared.connect(family=socket.AF_INET6)
    except ConnectionRefusedError:
        pytest.fail("the public proxy does not listen on ::1, though the settings say localhost")
    with tls_peer.client_context().wrap_socket(raw, server_hostname=w.NAME) as s:
        assert tls_peer.http(s) == b'{"message":"success"}\n'


@pytest.mark.limit(180)
def test_many_sequential_requests(shared):
    for i in range(MANY):
        assert shared.get() == b'{"message":"success"}\n', i


def test_keep_alive(shared):
    with shared.tls() as s:
        for i in range(500):
            body = json.dumps({"i": i, "fill": "x" * (i * 7)}).encode()
            assert json.loads(tls_peer.http(s, method="POST", body=body))["i"] == i


@pytest.mark.limit(120)
def test_parallel_requests(shared):
    with concurrent.futures.ThreadPoolExecutor(25) as pool:
        for answer in pool.map(lambda _: shared.get(timeout=30), range(MANY // 2)):
            assert answer == b'{"message":"success"}\n'


@pytest.fixture(scope="module")
def upload(tmp_path_factory):
    path = tmp_path_factory.mktemp("bulk") / "upload"
    digest = hashlib.sha256()
    with path.open("wb") as f:
        for i in range(BULK // (1 << 20)):
            block = hashlib.shake_128(i.to_bytes(4, "big")).digest(1 << 20)
            digest.update(block)
            f.write(block)
    return path, digest.hexdigest()


def download(world):
    done = subprocess.Popen(
        ["curl", "-sS", "--max-time", "100", "--cacert", w.CA, "--resolve",
         f"{w.NAME}:{world.ports['tls']}:127.0.0.1",
         f"https://{w.NAME}:{world.ports['tls']}/bytes/{BULK}"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    digest, n = hashlib.sha256(), 0
    while part := done.stdout.read(1 << 20):
        digest.update(part)
        n += len(part)
    assert done.wait(10) == 0, done.stderr.read()
    return n, digest.hexdigest()


def send_up(world, upload):
    path, digest = upload
    done = world.curl("-T", str(path), path="/upload", timeout=100)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) == {"bytes": BULK, "sha256": digest}


@pytest.mark.limit(120)
def test_bulk_down(shared):
    assert download(shared) == (BULK, offsets_sha256(BULK))


@pytest.mark.limit(120)
def test_bulk_up(shared, upload):
    assert send_up(shared, upload)


@pytest.mark.limit(180)
def test_bulk_both_at_once(shared, upload):
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        down = pool.submit(download, shared)
        up = pool.submit(send_up, shared, upload)
        assert up.result() and down.result() == (BULK, offsets_sha256(BULK))


def test_log_line_of_a_closed_connection(shared):
    start = len(shared["public-proxy"].log())
    shared.get()
    m = shared["public-proxy"].wait_log(r"connection \S+ closed: (.*)", start=start)
    fields = dict(re.findall(r"(\w+)=(\S+)", m[1]))
    assert fields["name"] == w.NAME
    assert fields["operator"] == "private-proxy-1.ga"
    assert fields["client"].startswith("127.0") and "127.0.0.1" not in m[1], "anonymised"
    assert int(fields["up"]) > 300 and int(fields["down"]) > 300
    assert fields["path"] in ("sockmap", "splice", "copy")
    assert {"duration", "reason"} <= fields.keys()


def test_tokens_are_never_logged(shared):
    shared.get()
    for name in ("public-proxy", "private-proxy", "public-relay", "private-relay"):
        # 32 bytes in base64 or in hex
        for m in re.finditer(r"(?i)token\W{0,3}(\S+)", shared[name].log()):
            assert not re.search(r"[A-Za-z0-9+/]{43}=|[0-9a-f]{64}", m[1]), (name, m[0])
