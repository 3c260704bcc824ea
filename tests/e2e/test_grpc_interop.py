# SPDX-License-Identifier: BSD-2-Clause
"""Our relay against Debian's python3-grpcio, as its server and as its client."""

import contextlib
import socket
import ssl
import threading
import time
from concurrent import futures

import grpc
import pytest
from google.protobuf import json_format

import grpc_peer as g
import world as w
from grpc_peer import PRIVATE, PUBLIC

# Recorded from the original.
LIST_REQUEST = (
    "0a227075626c69632d70726f78792d312e67612e676574416e6e6f756e63656d"
    "656e747312001a257075626c69632d70726f78792d312e67612e676574416e6e"
    "6f756e63656d656e7473283129"
)
ANNOUNCE_REQUEST = (
    "0a257075626c69632d70726f78792d312e67612e616e6e6f756e6365436f6e6e"
    "656374696f6e7312720a700a0b636f6e6e656374696f6e731261325f0a3c2a3a"
    "0a260a06646f6d61696e121c1a1a677270632e696e7465726e616c2d73657276"
    "65722e6c6f63616c0a100a0a657870697265735f6174120208000a1f2a1d0a1b"
    "0a06646f6d61696e12111a0f782e6f746865722e6578616d706c651a28707562"
    "6c69632d70726f78792d312e67612e616e6e6f756e6365436f6e6e656374696f"
    "6e73283229"
)
ANNOUNCE_RESPONSE = (
    "0a287075626c69632d70726f78792d312e67612e616e6e6f756e6365436f6e6e"
    "656374696f6e73283229123e0a3c0a015f123732350a0208000a2f2a2d0a180a"
    "076d657373616765120d1a0b6e6f7420616c6c6f7765640a110a04636f646512"
    "09110000000000307940"
)
DENIED_RESPONSE = (
    "0a197075626c69632d70726f78792d312e67612e6e6f70652833291a48089303"
    "12435065726d697373696f6e2064656e69656420666f72206d6574686f642027"
    "6e6f70652720616e6420636c69656e742027707269766174652d70726f78792d"
    "312e676127"
)


@pytest.fixture(scope="module")
def messages():
    return g.make_messages()


@pytest.fixture
def make_relay(tmp_path, certificates):
    relays = []

    def make(name, **options):
        port = options.pop("public_port", None) or w.free_ports(1)[0]
        folder = tmp_path / f"relay-{len(relays)}"
        folder.mkdir()
        relay = g.Relay(folder, name, port, **options)
        relays.append(relay)
        return relay.start()

    yield make
    for relay in relays:
        relay.stop()


@pytest.fixture
def make_client(messages):
    clients = []

    def make(relay, name=PRIVATE, **options):
        client = g.Client(messages, relay.grpc_port, name, **options)
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def make_server(messages):
    servers = []

    def make(port, **options):
        server = g.Server(messages, port, **options)
        servers.append(server)
        return server.start()

    yield make
    for server in servers:
        server.stop()


@pytest.fixture
def public(make_relay):
    """Our relay in the place of the public proxy's."""
    return make_relay(PUBLIC)


def as_dict(struct):
    return json_format.MessageToDict(struct)


# ---- our relay as server


def test_vectors(public, make_client, messages):
    client = make_client(public)
    public.service.answers["announceConnections"] = \
        lambda params: [None, {"code": 403, "message": "not allowed"}]
    public.service.answers["getAnnouncements"] = lambda params: [{"domain": "a.example"}]

    answer = messages.Response.FromString(client.raw(bytes.fromhex(ANNOUNCE_REQUEST), timeout=10 * w.PATIENCE))
    assert answer == messages.Response.FromString(bytes.fromhex(ANNOUNCE_RESPONSE))
    seen = public.service.calls.get(timeout=5 * w.PATIENCE)
    assert seen["method"] == "announceConnections"
    assert seen["id"] == "public-proxy-1.ga.announceConnections(2)"
    assert seen["params"]["connections"] == [
        {"domain": "grpc.internal-server.local", "expires_at": None},
        {"domain": "x.other.example"}]
    assert seen["params"]["_client"]["name"] == PRIVATE
    assert seen["params"]["_client"]["entry"]["groups"] == ["proxy-users"]

    answer = messages.Response.FromString(client.raw(bytes.fromhex(LIST_REQUEST), timeout=10 * w.PATIENCE))
    assert answer.id == f"{PUBLIC}.getAnnouncements(1)"
    assert as_dict(answer.result) == {"_": [{"domain": "a.example"}]}


def test_permission_denied(public, make_client):
    answer = make_client(public).request(f"{PUBLIC}.nope", id=f"{PUBLIC}.nope(3)")
    assert answer.SerializeToString() == bytes.fromhex(DENIED_RESPONSE) or (
        answer.error.code == 403
        and answer.error.message
        == f"Permission denied for method 'nope' and client '{PRIVATE}'")
    answer = make_client(public, "hd-1").request(f"{PUBLIC}.echo")
    assert answer.error.code == 403
    assert public.service.calls.empty()


def test_error_of_the_service(public, make_client):
    answer = make_client(public).request(f"{PUBLIC}.echo")
    assert (answer.error.code, answer.error.message) == (-32601, "method not found")


def test_id_that_is_no_address(public, make_client):
    with pytest.raises(grpc.RpcError) as e:
        make_client(public).request(f"{PUBLIC}.echo", id="garbage")
    assert e.value.code() == grpc.StatusCode.UNKNOWN
    assert e.value.details() == \
        "error handling gRPC request: error parsing address: invalid ID format"


def test_client_name(public, make_client):
    client = make_client(public)
    public.service.answers["echo"] = lambda params: params["_client"]["name"]
    assert as_dict(client.request(f"{PUBLIC}.echo", client_name=PRIVATE).result) == {"_": PRIVATE}
    with pytest.raises(grpc.RpcError) as e:
        client.request(f"{PUBLIC}.echo", client_name="hd-1")
    assert e.value.code() == grpc.StatusCode.UNKNOWN
    assert e.value.details() == "no matching client"


def test_certificate_that_is_not_pinned(public, make_client):
    with pytest.raises(grpc.RpcError) as e:
        make_client(public, f"{PRIVATE}-alt").request(f"{PUBLIC}.echo")
    assert e.value.code() == grpc.StatusCode.UNAVAILABLE
    public.process.wait_log(r"refused .*SHA-256 " + g.fingerprint(f"{PRIVATE}-alt"))


def test_pin_that_is_withdrawn(public, make_client):
    client = make_client(public)
    public.service.answers["echo"] = lambda params: {}
    client.request(f"{PUBLIC}.echo")
    content = g.directory(public.grpc_port)
    content["records"] = [r for r in content["records"]
                          if (r["name"], r["section"]) != (PRIVATE, "certificates")]
    public.write_directory(content)
    public.process.wait_log("the directory has changed")
    with pytest.raises(grpc.RpcError):
        client.request(f"{PUBLIC}.echo")


def test_bypass(public, make_client):
    """The id names what may be called, the method what may not."""
    client = make_client(public)
    for method in (f"{PRIVATE}.echo", f"{PUBLIC}.nope"):
        answer = client.request(method, id=f"{PUBLIC}.echo(5)")
        assert answer.error.message and not answer.HasField("result")
    assert public.service.calls.empty()


@pytest.mark.parametrize("name", ["Hyper", "EPS"])
def test_both_names(public, make_client, name):
    public.service.answers["echo"] = lambda params: {"x": params["x"]}
    client = make_client(public, dialect=name)
    answer = client.request(f"{PUBLIC}.echo", {"x": [1, 2.5, True, None, "ö", {"y": []}]})
    assert as_dict(answer.result) == {"x": [1, 2.5, True, None, "ö", {"y": []}]}
    stream = g.ReverseStream(client, PRIVATE)
    w.wait_until(lambda: "opened a stream" in public.process.log(), what="the stream")
    stream.close()


def test_unknown_method_and_service(public, make_client):
    for path in ("/Hyper/Other", "/Other/Call"):
        with pytest.raises(grpc.RpcError) as e:
            make_client(public).channel.unary_unary(path)(b"", timeout=10 * w.PATIENCE)
        assert e.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_bytes_that_are_no_request(public, make_client):
    with pytest.raises(grpc.RpcError) as e:
        make_client(public).raw(b"\xff\xff\xff", timeout=10 * w.PATIENCE)
    assert e.value.code() == grpc.StatusCode.INTERNAL


def test_sizes(public, make_client):
    client = make_client(public)
    public.service.answers["echo"] = lambda params: {"x": params["x"]}
    big = "x" * (1 << 20)
    assert as_dict(client.request(f"{PUBLIC}.echo", {"x": big}).result) == {"x": big}
    with pytest.raises(grpc.RpcError) as e:
        client.request(f"{PUBLIC}.echo", {"x": "x" * (5 << 20)})
    assert e.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED


def test_many_at_once(public, make_client):
    client = make_client(public)
    public.service.answers["echo"] = lambda params: {"x": params["x"]}
    with futures.ThreadPoolExecutor(50) as pool:
        asked = [pool.submit(client.request, f"{PUBLIC}.echo", {"x": i}, f"{PUBLIC}.echo({i})")
                 for i in range(500)]
        for i, answer in enumerate(asked):
            assert as_dict(answer.result().result) == {"x": i}


def test_deadline_of_the_caller(public, make_client, messages):
    public.service.answers["slow"] = lambda params: time.sleep(2)
    request = messages.Request(method=f"{PUBLIC}.slow", id=f"{PUBLIC}.slow(1)")
    with pytest.raises(grpc.RpcError) as e:
        make_client(public).unary(request, timeout=0.3)
    assert e.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED


def test_strangers(make_relay, make_client):
    """Who does not get through the handshake costs nothing and stops nobody."""
    public = make_relay(PUBLIC, limits={"handshakes_per_source": 100})

    def fds():
        return public.process.fds()

    public.service.answers["echo"] = lambda params: {}
    client = make_client(public)
    client.request(f"{PUBLIC}.echo")
    before = fds()
    sockets = [socket.create_connection(("127.0.0.1", public.grpc_port)) for _ in range(50)]
    for s in sockets[:20]:
        s.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    for s in sockets[:20]:
        s.settimeout(10 * w.PATIENCE)
        with contextlib.suppress(ConnectionResetError):
            while s.recv(1000):  # an alert, then the end
                pass
    client.request(f"{PUBLIC}.echo")
    for s in sockets:
        s.close()
    context = ssl.create_default_context(cafile=w.CA)
    context.check_hostname = False
    with socket.create_connection(("127.0.0.1", public.grpc_port)) as raw:
        with pytest.raises(OSError):  # no certificate
            with context.wrap_socket(raw) as s:
                s.settimeout(10 * w.PATIENCE)
                s.recv(1)
                s.sendall(b"x")
                raise ConnectionError if s.recv(1) == b"" else AssertionError
    w.wait_until(lambda: fds() <= before, what="descriptors given back")
    client.request(f"{PUBLIC}.echo")


def test_silent_strangers_keep_nobody_out(make_relay, make_client):
    """One source has a part of the handshakes; the log says so, once."""
    relay = make_relay(PUBLIC, limits={"handshakes": 10, "handshakes_per_source": 4})
    relay.service.answers["echo"] = lambda params: {}
    with contextlib.ExitStack() as stack:
        def stranger():
            return stack.enter_context(socket.create_connection(
                ("127.0.0.1", relay.grpc_port), source_address=("127.0.0.2", 0)))

        for _ in range(4):
            stranger()
        for s in [stranger() for _ in range(20)]:
            s.settimeout(10 * w.PATIENCE)
            with contextlib.suppress(ConnectionResetError):
                assert s.recv(1) == b""
        make_client(relay).request(f"{PUBLIC}.echo")
    assert relay.process.log().count("limits.handshakes_per_source") == 1


def test_flood(public, make_client):
    """PINGs without end, answers unread: that connection ends, the relay goes on."""
    public.service.answers["echo"] = lambda params: {}
    context = ssl.create_default_context(cafile=w.CA)
    context.check_hostname = False
    context.load_cert_chain(g.CERTS / f"{PRIVATE}.crt", g.CERTS / f"{PRIVATE}.key")
    context.set_alpn_protocols(["h2"])
    ping = b"\0\0\x08\x06\0\0\0\0\0" + b"x" * 8
    with socket.create_connection(("127.0.0.1", public.grpc_port)) as raw:
        with context.wrap_socket(raw) as s:
            s.settimeout(20 * w.PATIENCE)
            s.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0")
            with pytest.raises(OSError):
                for _ in range(3000):
                    s.sendall(ping * 1000)
    make_client(public).request(f"{PUBLIC}.echo")


# ---- our relay as server, over a stream that the peer lends


def lend(public, client, name=PRIVATE, **announcement):
    start = len(public.process.log())
    stream = g.ReverseStream(client, name, **announcement)
    public.process.wait_log("opened a stream", start=start)
    return stream


def test_reverse_stream(public, make_client):
    error = public.call(f"{PRIVATE}.incomingConnection")["error"]
    assert error["code"] == 1  # nobody there
    stream = lend(public, make_client(public))
    with futures.ThreadPoolExecutor(1) as pool:
        asked = pool.submit(public.call, f"{PRIVATE}.incomingConnection", {"token": "x"}, "abc")
        request = stream.requests.get(timeout=10 * w.PATIENCE)
        assert request.method == f"{PRIVATE}.incomingConnection"
        assert request.id == f"{PRIVATE}.incomingConnection(abc)"
        params = as_dict(request.params)
        assert params["token"] == "x" and params["_client"]["name"] == PUBLIC
        stream.answer(request, {"message": "ok"})
        assert asked.result() == {"message": "ok"}

        asked = pool.submit(public.call, f"{PRIVATE}.incomingConnection")
        request = stream.requests.get(timeout=10 * w.PATIENCE)
        stream.answer(request, {"_": [1, None]})
        assert asked.result() == [1, None]

        asked = pool.submit(public.call, f"{PRIVATE}.incomingConnection")
        request = stream.requests.get(timeout=10 * w.PATIENCE)
        response = stream.messages.Response(id=request.id)
        response.error.code, response.error.message = 404, "no such thing"
        stream.outgoing.put(response)
        error = asked.result()["error"]
        assert (error["code"], error["message"]) == (404, "no such thing")
    stream.close()


def test_stream_of_an_original_takes_one_at_a_time(public, make_client):
    stream = lend(public, make_client(public))
    with futures.ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(public.call, f"{PRIVATE}.echo", {"n": n}, str(n)) for n in range(3)]
        for _ in range(3):
            request = stream.requests.get(timeout=10 * w.PATIENCE)
            time.sleep(0.2)
            assert stream.requests.empty()
            stream.answer(request, {"n": as_dict(request.params)["n"]})
        assert [a.result()["n"] for a in asked] == [0, 1, 2]
    stream.close()


def test_stream_with_concurrency(public, make_client):
    stream = lend(public, make_client(public), concurrency=2)
    with futures.ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(public.call, f"{PRIVATE}.echo", {"n": n}, str(n)) for n in range(3)]
        first, second = (stream.requests.get(timeout=10 * w.PATIENCE) for _ in range(2))
        time.sleep(0.2)
        assert stream.requests.empty()
        for request in (second, first):  # in another order than asked
            stream.answer(request, {"n": as_dict(request.params)["n"]})
        request = stream.requests.get(timeout=10 * w.PATIENCE)
        stream.answer(request, {"n": as_dict(request.params)["n"]})
        assert [a.result()["n"] for a in asked] == [0, 1, 2]
    stream.close()


def test_two_streams_of_one_peer(public, make_client):
    client = make_client(public)
    streams = [lend(public, client), lend(public, client)]
    with futures.ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(public.call, f"{PRIVATE}.echo", {"n": n}, str(n)) for n in range(2)]
        for stream in streams:
            request = stream.requests.get(timeout=10 * w.PATIENCE)
            stream.answer(request, as_dict(request.params))
        assert sorted(a.result()["n"] for a in asked) == [0, 1]


def test_stream_that_ends(public, make_client):
    """What is under way on it is answered at once, long before any deadline."""
    stream = lend(public, make_client(public))
    with futures.ThreadPoolExecutor(1) as pool:
        asked = pool.submit(public.call, f"{PRIVATE}.echo")
        stream.requests.get(timeout=10 * w.PATIENCE)
        begin = time.monotonic()
        stream.close()
        error = asked.result()["error"]
        assert time.monotonic() - begin < g.DEADLINE / 2
        assert error["code"] in (1, 500) and "stream" in error["message"]


def test_stream_under_another_name(public, make_client):
    stream = g.ReverseStream(make_client(public), "hd-1")
    stream.thread.join(10)
    assert stream.error.code() == grpc.StatusCode.UNKNOWN
    assert stream.error.details() == "no matching client"


# ---- our relay as client


@pytest.fixture
def private(make_relay, make_server):
    """Our relay in the place of the private proxy's, its peer in Python."""
    port = w.free_ports(1)[0]
    server = make_server(port)
    relay = make_relay(PRIVATE, public_port=port)
    return relay, server


def test_call_out(private, messages):
    relay, server = private

    def answer(request):
        response = messages.Response(id=request.id)
        response.result.update({"_": [None, {"code": 403}]})
        return response

    server.answer = answer
    assert relay.call(f"{PUBLIC}.announceConnections", {"connections": []}, 7) == \
        [None, {"code": 403}]
    request = server.calls.get(timeout=5 * w.PATIENCE)
    assert request.method == f"{PUBLIC}.announceConnections"
    assert request.id == f"{PUBLIC}.announceConnections(n:7)"
    params = as_dict(request.params)
    assert params["connections"] == [] and params["_client"]["name"] == PRIVATE

    def fail(request):
        response = messages.Response(id=request.id)
        response.error.code, response.error.message = 409, "already taken"
        return response

    server.answer = fail
    error = relay.call(f"{PUBLIC}.announceConnections")["error"]
    assert (error["code"], error["message"]) == (409, "already taken")


def test_call_out_many_at_once(private, messages):
    relay, server = private
    inside, most, lock = [0], [0], threading.Lock()

    def answer(request):
        with lock:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        time.sleep(0.1)
        with lock:
            inside[0] -= 1
        response = messages.Response(id=request.id)
        response.result.update({"n": as_dict(request.params)["n"]})
        return response

    server.answer = answer
    with futures.ThreadPoolExecutor(20) as pool:
        asked = [pool.submit(relay.call, f"{PUBLIC}.echo", {"n": n}, str(n)) for n in range(60)]
        assert [a.result()["n"] for a in asked] == list(range(60))
    assert most[0] > 5


def test_call_out_status(private):
    relay, server = private

    def answer(request):
        raise ValueError("broken")

    server.answer = answer
    error = relay.call(f"{PUBLIC}.echo")["error"]
    assert "broken" in error["message"]


def test_lent_streams(private, messages):
    relay, server = private
    relay.service.answers["incomingConnection"] = lambda params: {"token": params["token"],
                                                                  "by": params["_client"]["name"]}
    stream = server.streams.get(timeout=10 * w.PATIENCE)
    assert stream.announcement["name"] == PRIVATE
    stream.call(messages, f"{PRIVATE}.incomingConnection", {"token": "x"}, "77")
    response = stream.answer()
    assert response.id == f"{PRIVATE}.incomingConnection(77)"
    assert as_dict(response.result) == {"token": "x", "by": PUBLIC}

    stream.call(messages, f"{PRIVATE}.nope", {})
    assert stream.answer().error.code == 403
    bad = messages.Request(method=f"{PRIVATE}.echo", id="garbage")
    stream.requests.put(bad)
    assert stream.answer().error.code == -100

    relay.service.answers["slow"] = lambda params: time.sleep(params["s"])
    for n, seconds in enumerate((0.5, 0.1)):
        stream.call(messages, f"{PRIVATE}.slow", {"s": seconds}, str(n))
    assert [stream.answer().id for _ in range(2)] == [f"{PRIVATE}.slow(1)", f"{PRIVATE}.slow(0)"]


@pytest.mark.parametrize("dialect", ["hyper", "eps"])
def test_dialect(make_relay, make_server, dialect):
    port = w.free_ports(1)[0]
    server = make_server(port, dialect={"hyper": "Hyper", "eps": "EPS"}[dialect])
    relay = make_relay(PRIVATE, public_port=port, dialect=dialect)
    assert relay.call(f"{PUBLIC}.echo") is None
    assert server.streams.get(timeout=10 * w.PATIENCE).announcement["name"] == PRIVATE


def test_dialect_from_the_settings(make_relay, make_server):
    port = w.free_ports(1)[0]
    make_server(port, dialect="EPS")
    relay = make_relay(PRIVATE, public_port=port, client={"dialect": "eps"})
    assert relay.call(f"{PUBLIC}.echo") is None


def test_server_with_another_certificate(make_relay, make_server):
    """Of the same authority, but not whom the directory knows at this address."""
    port = w.free_ports(1)[0]
    server = make_server(port, certificate=f"{PUBLIC}-alt")
    relay = make_relay(PRIVATE, public_port=port)
    error = relay.call(f"{PUBLIC}.echo")["error"]
    assert "certificate" in error["message"]
    assert server.calls.empty() and server.streams.empty()


def test_server_that_is_not_there(make_relay):
    relay = make_relay(PRIVATE)
    begin = time.monotonic()
    error = relay.call(f"{PUBLIC}.echo")["error"]
    assert "cannot be reached" in error["message"]
    assert time.monotonic() - begin < g.DEADLINE / 2


def test_server_restarted(private, make_server, messages):
    relay, server = private
    relay.service.answers["incomingConnection"] = lambda params: {"ok": True}
    server.streams.get(timeout=10 * w.PATIENCE)
    for pause in (0.1, 3.0):
        server.stop()
        time.sleep(pause)
        server = make_server(server.port)
        stream = server.streams.get(timeout=2 * w.PATIENCE)
        stream.call(messages, f"{PRIVATE}.incomingConnection", {})
        assert as_dict(stream.answer().result) == {"ok": True}
        assert relay.call(f"{PUBLIC}.echo") is None


def test_server_that_comes_late(make_relay, make_server):
    relay = make_relay(PRIVATE)
    time.sleep(0.5)
    server = make_server(relay.grpc_port)
    assert server.streams.get(timeout=5 * w.PATIENCE).announcement["name"] == PRIVATE


# ---- ours on both sides


def test_ours_with_ours(make_relay):
    public = make_relay(PUBLIC)
    private = make_relay(PRIVATE, public_port=public.grpc_port)
    public.service.answers["echo"] = lambda params: {"x": params["x"]}
    private.service.answers["echo"] = lambda params: {"y": params["y"]}
    assert private.call(f"{PUBLIC}.echo", {"x": 5}) == {"x": 5}
    public.process.wait_log("opened a stream")
    with futures.ThreadPoolExecutor(30) as pool:
        asked = [pool.submit(public.call, f"{PRIVATE}.echo", {"y": n}, str(n)) for n in range(200)]
        assert [a.result() for a in asked] == [{"y": n} for n in range(200)]


@pytest.mark.parametrize("admitted,opened", [(2, 1), (7, 3), (64, 32)])
def test_streams_leave_room_for_calls(make_relay, admitted, opened):
    """Whatever the two sides have set, calls get through in both directions."""
    public = make_relay(PUBLIC, limits={"streams_per_peer": admitted})
    private = make_relay(PRIVATE, public_port=public.grpc_port, client={"streams": 64})
    public.service.answers["echo"] = lambda params: {}
    private.service.answers["echo"] = lambda params: {}
    assert private.call(f"{PUBLIC}.echo") == {}
    private.process.wait_log(f"{opened} of 64 streams are opened")
    w.wait_until(lambda: public.process.log().count("opened a stream") == opened,
                 what="the streams")
    with futures.ThreadPoolExecutor(20) as pool:
        asked = [pool.submit(relay.call, f"{name}.echo") for _ in range(50)
                 for relay, name in ((private, PUBLIC), (public, PRIVATE))]
        assert [a.result() for a in asked] == [{}] * 100
    assert public.process.log().count("opened a stream") == opened


def test_ours_killed(make_relay):
    public = make_relay(PUBLIC)
    private = make_relay(PRIVATE, public_port=public.grpc_port)
    private.service.answers["echo"] = lambda params: {}
    public.process.wait_log("opened a stream")
    for relay, other in ((public, private), (private, public)):
        relay.process.kill()
        start = len(public.process.log())
        relay.start()
        public.process.wait_log("opened a stream", 2, start=start)
        assert public.call(f"{PRIVATE}.echo") == {}
