# SPDX-License-Identifier: BSD-2-Clause
"""A private proxy alone: we are its relay, the public proxy, and the internal server."""

import base64
import contextlib
import http.client
import json
import os
import signal
import socket
import struct
import subprocess
import threading

import pytest

import jsonrpc_peer
import world as w

PUBLIC, PRIVATE, DOMAIN = "public.example.org", "private.example.org", "a.example.org"
RESET = struct.pack("ii", 1, 0)


class Relay:
    """Takes every announcement, and gives `tokens` tokens, once."""

    def __init__(self, endpoint, tokens):
        self.asked = threading.Event()
        self.endpoint, self.tokens = endpoint, tokens
        self.server = jsonrpc_peer.Server(self.answer)
        self.port = self.server.port

    def answer(self, request):
        if not request["method"].endswith(".reserveConnections"):
            return [None]
        tokens = [base64.b64encode(os.urandom(32)).decode() for _ in range(self.tokens)]
        self.tokens = 0
        self.asked.set()
        return {"endpoint": self.endpoint, "tokens": tokens, "expires_in": 10}

    def close(self):
        self.server.close()


class FullListener:
    """Its backlog is full: who dials it gets no answer until accept() is called."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=0)
        self.port = self.socket.getsockname()[1]
        self.fillers, self.taken = [], []
        for _ in range(3):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", self.port))
            self.fillers.append(filler)

    def accept(self, seconds=10):
        """The next connection that is no filler's."""
        own = {f.getsockname() for f in self.fillers}
        self.socket.settimeout(seconds * w.PATIENCE)
        while True:
            s, peer = self.socket.accept()
            self.taken.append(s)
            if peer not in own:
                s.settimeout(10 * w.PATIENCE)
                return s

    def close(self):
        for s in (self.socket, *self.fillers, *self.taken):
            s.close()


class SlowNames:
    """A name server for which every name is 127.0.0.1, half a second later."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.asked = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                query, peer = self.socket.recvfrom(512)
                self.asked.set()
                threading.Timer(0.5, self._answer, (query, peer)).start()

    def _answer(self, query, peer):
        # What follows the question, EDNS, is not answered.
        question = query[12:query.index(b"\0", 12) + 5]
        is_a = question[-4:-2] == b"\0\1"
        answer = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x7f\0\0\1" if is_a else b""
        with contextlib.suppress(OSError):
            self.socket.sendto(query[:2] + b"\x81\x80\0\1\0" + bytes([is_a]) + b"\0\0\0\0" +
                               question + answer, peer)

    def close(self):
        self.socket.close()


class Lone:
    def __init__(self, folder, tokens=0, more=None, host="127.0.0.1", resolv="/etc/resolv.conf",
                 **limits):
        self.outside = FullListener()
        self.inside = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"127.0.0.1:{self.outside.port}"
        self.relay = Relay(self.endpoint, tokens)
        self.port = w.free_ports(1)[0]
        address = f"{host}:{self.inside.getsockname()[1]}"
        settings = folder / "private.json"
        settings.write_text(json.dumps({
            "limits": limits,
            "private": {
                "name": PRIVATE,
                "internal_endpoint": {"address": address, **(more or {})},
                "announcements": [{"domain": DOMAIN, "proxies": [PUBLIC]}],
                "public_proxies": [{"name": PUBLIC, "endpoints": [self.endpoint]}],
                "parked": {"min": max(tokens, 1), "max": tokens},
                "datastore": {"type": "sqlite", "settings": {"filename": str(folder / "p.db")}},
                "jsonrpc_client": {"endpoint": f"http://127.0.0.1:{self.relay.port}/jsonrpc"},
                "jsonrpc_server": {"bind_address": f"127.0.0.1:{self.port}"},
            }}))
        # It sees another resolv.conf than everybody else.
        self.process = w.Process("private-proxy",
                                 ["unshare", "--mount", "sh", "-c",
                                  f"mount --bind {resolv} /etc/resolv.conf && exec \"$@\"", "sh",
                                  w.BIN / "proxy", "--level", "debug", "run", "private"],
                                 {"PROXY_SETTINGS": str(settings)}, folder / "log", w.ROOT)
        self.process.start().wait_log("announced: ")

    def notice(self):
        """The token of a client that waits for this private proxy."""
        token = os.urandom(32)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10 * w.PATIENCE)
        connection.request("POST", "/jsonrpc", json.dumps({
            "jsonrpc": "2.0", "id": "p.m(1)", "method": "incomingConnection",
            "params": {"domain": DOMAIN, "endpoint": self.endpoint,
                       "token": base64.b64encode(token).decode(),
                       "_client": {"name": PUBLIC, "entry": {}}}}),
            {"Content-Type": "application/json"})
        answer = json.loads(connection.getresponse().read())
        connection.close()
        assert answer.get("result") == {"message": "ok"}, answer
        return token

    def close(self):
        self.process.stop()
        self.relay.close()
        self.outside.close()
        self.inside.close()


@pytest.fixture
def make_lone(tmp_path):
    lones = []

    def make(**options):
        lones.append(Lone(tmp_path, **options))
        return lones[-1]

    yield make
    for lone in lones:
        lone.close()


def test_stop_while_dialling_ahead(make_lone):
    """A connection that is dialled ahead as the proxy stops must not come to wait for clients."""
    lone = make_lone(tokens=4, shutdown_grace="3s")
    assert lone.relay.asked.wait(10 * w.PATIENCE)
    w.wait_until(lambda: _dialling(lone) == 4, what="four connections under way")
    lone.process.popen.send_signal(signal.SIGTERM)
    threading.Thread(target=_accept_all, args=(lone.outside,), daemon=True).start()
    assert lone.process.popen.wait(6 * w.PATIENCE) == 0


def test_stop_while_a_name_is_looked_up(make_lone, tmp_path):
    """The notice has been answered: its client is served, whatever the proxy is told meanwhile."""
    with contextlib.closing(SlowNames()) as names:
        resolv = tmp_path / "resolv.conf"
        resolv.write_text(f"nameserver 127.0.0.1:{names.port}\n")
        lone = make_lone(host="inside.example", resolv=resolv)
        token = lone.notice()
        assert names.asked.wait(10 * w.PATIENCE)
        lone.process.popen.terminate()
        with lone.outside.accept() as s:
            assert s.recv(100) == token
            lone.inside.settimeout(10 * w.PATIENCE)
            lone.inside.accept()[0].close()
        assert lone.process.popen.wait(20 * w.PATIENCE) == 0


def _dialling(lone):
    """Connections to the full listener whose SYN has no answer yet, without our own fillers."""
    ours = {f.getsockname()[1] for f in lone.outside.fillers}
    out = subprocess.run(["ss", "-Htn", "state", "syn-sent", f"dport = :{lone.outside.port}"],
                         capture_output=True, text=True, timeout=10).stdout
    ports = [int(line.split()[2].rsplit(":", 1)[1]) for line in out.splitlines()]
    return len([p for p in ports if p not in ours])


def _accept_all(listener):
    try:
        while True:
            listener.accept()
    except OSError:
        pass


@pytest.mark.parametrize("send_proxy", ["off", "v2"])
def test_internal_server_that_resets_at_once(make_lone, send_proxy):
    """The public proxy gets the token, and RST: it would wait for a dial-back otherwise."""
    lone = make_lone(more={"send_proxy": send_proxy})
    token = lone.notice()
    inside, _ = lone.inside.accept()
    inside.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    inside.close()
    lone.process.wait_log("cannot connect to the internal server")
    with lone.outside.accept() as outside:
        assert outside.recv(32, socket.MSG_WAITALL) == token
        with pytest.raises(ConnectionResetError):
            outside.recv(1)
