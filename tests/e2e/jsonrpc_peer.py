# SPDX-License-Identifier: BSD-2-Clause
"""A JSON-RPC server over HTTP, in place of a relay or a proxy."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class MethodNotFound(Exception):
    pass


class Server:
    """answer(request) gives the result, or raises MethodNotFound."""

    def __init__(self, answer, port=0):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self):
                request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                reply = {"jsonrpc": "2.0", "id": request["id"]}
                try:
                    reply["result"] = answer(request)
                except MethodNotFound:
                    reply["error"] = {"code": -32601, "message": "method not found"}
                body = json.dumps(reply).encode()
                self.send_response(400 if "error" in reply else 200)
                self.send_header("Content-Type", "application/json; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
