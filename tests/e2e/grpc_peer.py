# SPDX-License-Identifier: BSD-2-Clause
"""An independent gRPC implementation as a peer of our relay, and a relay to try it on."""

import hashlib
import json
import os
import queue
import ssl
import threading
import types as types_module
import urllib.error
import urllib.request
from concurrent import futures

# Before the import: a peer that is restarted in a test is asked again at once.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
import grpc  # noqa: E402
from google.protobuf import (  # noqa: E402
    descriptor_pb2, descriptor_pool, json_format, message_factory, struct_pb2)

import jsonrpc_peer  # noqa: E402
import world as w  # noqa: E402

PUBLIC, PRIVATE = "public-proxy-1.ga", "private-proxy-1.ga"
CERTS = w.DEV / "certs"

# The originals' messages: message → field → (number, type).
FIELDS = {
    "Request": {"method": (1, "string"), "params": (2, "struct"), "id": (3, "string"),
                "clientName": (4, "string")},
    "Response": {"id": (1, "string"), "result": (2, "struct"), "error": (3, "error")},
    "Error": {"code": (1, "int32"), "message": (2, "string"), "data": (3, "struct")},
}

# Of a relay's calls, in seconds. What is known at once comes long before it.
DEADLINE = round(10 * w.PATIENCE)


def make_messages():
    """Classes of the messages, by Google's own library and its own Struct."""
    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="peer.proto", syntax="proto3",
                                              dependency=[struct_pb2.DESCRIPTOR.name])
    types = {"string": (kinds.TYPE_STRING, None), "int32": (kinds.TYPE_INT32, None),
             "struct": (kinds.TYPE_MESSAGE, ".google.protobuf.Struct"),
             "error": (kinds.TYPE_MESSAGE, ".Error")}
    for message, fields in FIELDS.items():
        descriptor = file.message_type.add(name=message)
        for name, (number, kind) in fields.items():
            descriptor.field.add(name=name, number=number, label=kinds.LABEL_OPTIONAL,
                                 type=types[kind][0], type_name=types[kind][1])
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(struct_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    factory = message_factory.MessageFactory(pool)
    return types_module.SimpleNamespace(
        **{name: factory.GetPrototype(pool.FindMessageTypeByName(name)) for name in FIELDS})


def fingerprint(name):
    pem = (CERTS / f"{name}.crt").read_text()
    pem = pem[: pem.index("-----END CERTIFICATE-----") + len("-----END CERTIFICATE-----\n")]
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()


def record(name, section, data):
    return {"name": name, "section": section, "created_at": "2026-01-01T00:00:00Z", "data": data}


def service(name, group, *methods):
    return {"name": name, "permissions": [{"group": group, "rights": ["call"]}],
            "methods": [{"name": m} for m in methods]}


def directory(public_port, extra=()):
    """Two operators as in the demo, and hd-1 who may call neither."""
    return {"records": [
        record(PUBLIC, "groups", ["proxy-providers"]),
        record(PUBLIC, "channels", [
            {"type": "grpc_server", "settings": {"address": f"localhost:{public_port}"}},
            {"type": "grpc_client"}]),
        record(PUBLIC, "services", [
            service("announcements", "proxy-users", "announceConnections", "getAnnouncements",
                    "echo", "slow", "_ping")]),
        record(PRIVATE, "groups", ["proxy-users"]),
        record(PRIVATE, "channels", [{"type": "grpc_client"}]),
        record(PRIVATE, "services", [
            service("connections", "proxy-providers", "incomingConnection", "echo", "slow")]),
        record("hd-1", "groups", ["health-departments"]),
        record("hd-1", "channels", [{"type": "grpc_client"}]),
        *(record(name, "certificates",
                 [{"fingerprint": fingerprint(name), "key_usage": "encryption"}])
          for name in (PUBLIC, PRIVATE, "hd-1")),
        *extra,
    ]}


class Service:
    """What stands behind our relay: JSON-RPC over plain HTTP. answers: method → function."""

    def __init__(self):
        self.calls = queue.Queue()
        self.answers = {}
        self.server = jsonrpc_peer.Server(self._answer)
        self.port = self.server.port

    def _answer(self, request):
        self.calls.put(request)
        if request["method"] not in self.answers:
            raise jsonrpc_peer.MethodNotFound
        return self.answers[request["method"]](request["params"])

    def stop(self):
        self.server.close()


def tls_block(name):
    return {"ca_certificate_files": [str(CERTS / "root.crt")],
            "certificate_file": str(CERTS / f"{name}.crt"), "key_file": str(CERTS / f"{name}.key")}


class Relay:
    """Our relay as operator `name`, with a service behind it."""

    def __init__(self, folder, name, public_port, dialect="hyper", client=None, **options):
        self.folder = folder
        self.name, self.service = name, Service()
        self.jsonrpc_port = w.free_ports(1)[0]
        self.grpc_port = public_port
        self.write_directory(directory(public_port))
        channels = [
            {"type": "grpc_client", "settings": {"tls": tls_block(name), **(client or {})}},
            {"type": "jsonrpc_server",
             "settings": {"bind_address": f"127.0.0.1:{self.jsonrpc_port}"}},
            {"type": "jsonrpc_client",
             "settings": {"endpoint": f"http://127.0.0.1:{self.service.port}/jsonrpc"}},
        ]
        if name == PUBLIC:
            channels.insert(0, {"type": "grpc_server", "settings": {
                "bind_address": f"localhost:{public_port}", "tls": tls_block(name)}})
        for number, channel in enumerate(channels):
            channel["name"] = f"channel {number}"
        settings = {"name": name, "channels": channels, "timeout": f"{DEADLINE}s",
                    "directory": {"type": "json",
                                  "settings": {"path": str(folder / "directory.json")}},
                    **options}
        (folder / "relay.json").write_text(json.dumps(settings))
        self.process = w.Process(
            f"relay {name}", [w.BIN / dialect, "--level", "debug", "server", "run"],
            {dialect.upper() + "_SETTINGS": str(folder / "relay.json"),
             "ASAN_OPTIONS": "abort_on_error=0:exitcode=99"}, folder / "relay.log", w.ROOT)

    def write_directory(self, content):
        new = self.folder / "directory.new"
        new.write_text(json.dumps(content))
        new.rename(self.folder / "directory.json")

    def start(self):
        start = len(self.process.log())
        self.process.start().wait_log(r"is ready", start=start)
        return self

    def stop(self):
        self.service.stop()
        killed = self.process.popen is None or self.process.popen.poll() == -9
        status = self.process.stop()
        assert killed or status == 0, (status, self.process.log()[-4000:])
        report = w.SANITIZER_REPORT.search(self.process.log())
        assert not report, self.process.log()[report.start():][:6000]

    def call(self, method, params=None, id="1", timeout=15):
        """A JSON-RPC call as the own service makes it: result, or an error dict."""
        body = json.dumps({"jsonrpc": "2.0", "id": id, "method": method, "params": params or {}})
        request = urllib.request.Request(f"http://127.0.0.1:{self.jsonrpc_port}/jsonrpc",
                                         body.encode(), {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=timeout * w.PATIENCE) as answer:
                return json.load(answer)["result"]
        except urllib.error.HTTPError as e:
            return {"error": json.load(e)["error"]}


def pem(name):
    return (CERTS / name).read_bytes()


class Client:
    """python3-grpcio as client of the relay of `PUBLIC`, with the certificate of `name`."""

    def __init__(self, messages, port, name, dialect="Hyper"):
        credentials = grpc.ssl_channel_credentials(pem("root.crt"), pem(f"{name}.key"),
                                                   pem(f"{name}.crt"))
        self.channel = grpc.secure_channel(
            f"127.0.0.1:{port}", credentials,
            [("grpc.ssl_target_name_override", PUBLIC), ("grpc.max_receive_message_length", -1),
             ("grpc.max_send_message_length", -1)])
        self.messages = messages
        self.raw = self.channel.unary_unary(f"/{dialect}/Call")
        self.unary = self.channel.unary_unary(
            f"/{dialect}/Call", request_serializer=messages.Request.SerializeToString,
            response_deserializer=messages.Response.FromString)
        self.stream = self.channel.stream_stream(
            f"/{dialect}/ServerCall", request_serializer=messages.Response.SerializeToString,
            response_deserializer=messages.Request.FromString)

    def request(self, method, params=None, id=None, client_name="", **options):
        request = self.messages.Request(method=method, id=id or f"{method}(1)",
                                        clientName=client_name)
        request.params.update(params or {})
        return self.unary(request, timeout=10 * w.PATIENCE, **options)

    def close(self):
        self.channel.close()


class ReverseStream:
    """A stream lent to the relay. Requests come out of `requests`; answer() goes back."""

    def __init__(self, client, name, **announcement):
        self.messages = client.messages
        self.requests, self.outgoing = queue.Queue(), queue.Queue()
        first = self.messages.Response()
        first.result.update({"name": name, **announcement})
        self.outgoing.put(first)
        self.error = None
        self.call = client.stream(iter(self.outgoing.get, None))
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        try:
            for request in self.call:
                self.requests.put(request)
        except grpc.RpcError as e:
            self.error = e

    def answer(self, request, result):
        response = self.messages.Response(id=request.id)
        response.result.update(result)
        self.outgoing.put(response)

    def close(self):
        self.outgoing.put(None)
        self.call.cancel()


class Server:
    """python3-grpcio as the relay of `PUBLIC`. Streams lent to it come out of `streams`."""

    def __init__(self, messages, port, certificate=PUBLIC, dialect="Hyper"):
        self.messages, self.port = messages, port
        self.certificate, self.dialect = certificate, dialect
        self.calls, self.streams = queue.Queue(), queue.Queue()
        self.answer = lambda request: messages.Response(id=request.id)
        self.server = None

    def start(self):
        handlers = grpc.method_handlers_generic_handler(self.dialect, {
            "Call": grpc.unary_unary_rpc_method_handler(
                self._call, self.messages.Request.FromString,
                self.messages.Response.SerializeToString),
            "ServerCall": grpc.stream_stream_rpc_method_handler(
                self._server_call, self.messages.Response.FromString,
                self.messages.Request.SerializeToString),
        })
        self.server = grpc.server(futures.ThreadPoolExecutor(32),
                                  options=[("grpc.so_reuseport", 0)])
        self.server.add_generic_rpc_handlers((handlers,))
        credentials = grpc.ssl_server_credentials(
            [(pem(f"{self.certificate}.key"), pem(f"{self.certificate}.crt"))],
            pem("root.crt"), require_client_auth=True)
        assert self.server.add_secure_port(f"127.0.0.1:{self.port}", credentials) == self.port
        self.server.start()
        return self

    def stop(self):
        if self.server:
            while not self.streams.empty():
                self.streams.get().requests.put(None)
            self.server.stop(0).wait(10)
            self.server = None

    def _call(self, request, context):
        self.calls.put(request)
        return self.answer(request)

    def _server_call(self, responses, context):
        stream = LentStream(next(responses), context)

        def read():
            try:
                for response in responses:
                    stream.responses.put(response)
            except Exception:  # noqa: BLE001: the stream's end, of whatever kind
                pass
            stream.requests.put(None)

        threading.Thread(target=read, daemon=True).start()
        context.add_callback(lambda: stream.requests.put(None))
        self.streams.put(stream)
        yield from iter(stream.requests.get, None)


class LentStream:
    def __init__(self, announcement, context):
        self.announcement = json_format.MessageToDict(announcement.result)
        self.context = context
        self.requests, self.responses = queue.Queue(), queue.Queue()

    def call(self, messages, method, params, inner_id="1"):
        request = messages.Request(method=method, id=f"{method}({inner_id})")
        request.params.update(params)
        self.requests.put(request)

    def answer(self, timeout=10):
        return self.responses.get(timeout=timeout * w.PATIENCE)
