"""A receiver of HTTP calls that behaves as the path says, and keeps what it got.

    python3 http.py LOG [SECRET [CERTIFICATE]]

Prints its port, appends a line of JSON per call to LOG, and ends when its standard input does. With
a SECRET it checks signatures by the rules of Standard Webhooks on its own (and with the official
library too where that is installed); with a CERTIFICATE it speaks TLS.
"""

import base64
import hashlib
import hmac
import json
import os
import ssl
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

try:
    from standardwebhooks import Webhook as Official
except ImportError:
    Official = None

log = open(sys.argv[1], "a", encoding="utf-8")
secret = sys.argv[2] if len(sys.argv) > 2 else ""
lock = threading.Lock()
calls = {}


def verified(headers, body):
    """Whether one of the signatures is that of the secret, over a call of these minutes."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    stamp = headers.get("webhook-timestamp", "")
    if not stamp.isdigit() or abs(int(stamp) - time.time()) > 300:
        return False
    signed = f"{headers.get('webhook-id', '')}.{stamp}.".encode() + body
    wanted = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    given = headers.get("webhook-signature", "").split(" ")
    good = any(hmac.compare_digest(f"v1,{wanted}", one) for one in given)
    if Official is not None:
        try:
            Official(secret).verify(body, dict(headers))
            official = True
        except Exception:
            official = False
        assert official == good, "the two implementations differ"
    return good


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.do_POST()

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        call = {
            "method": self.command,
            "path": self.path,
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "body": body.decode(),
            "verified": bool(secret) and verified(self.headers, body),
            "official": Official is not None,
        }
        with lock:
            key = (self.path, self.headers.get("webhook-id"))
            calls[key] = number = calls.get(key, 0) + 1
            log.write(json.dumps(call) + "\n")
            log.flush()
        _, what, *rest = self.path.split("?")[0].split("/")
        if what == "status":
            headers = [("Retry-After", rest[1])] if len(rest) > 1 else []
            self.answer(int(rest[0]), b"<html>inside words</html>", headers)
        elif what == "fail":  # The first so many times.
            self.answer(500 if number <= int(rest[0]) else 204)
        elif what == "code":  # Slack says why in a word.
            self.answer(int(rest[0]), rest[1].encode())
        elif what == "redirect":
            port = self.server.server_address[1]
            self.answer(302, b"", [("Location", f"http://127.0.0.1:{port}/inside")])
        elif what == "hang":
            time.sleep(3600)
        elif what == "stall":  # The first so many times.
            if number <= int(rest[0]):
                time.sleep(3600)
            self.answer(200)
        elif what == "drip":  # A head that never ends, a byte at a time.
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
            while True:
                self.wfile.write(b"x")
                time.sleep(0.05)
        elif what == "cut":  # In the middle of the head.
            self.wfile.write(b"HTTP/1.1 200 O")
            self.close_connection = True
        elif what == "cut-body":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")
            self.close_connection = True
        elif what == "huge":
            status = rest[0]
            self.wfile.write(f"HTTP/1.1 {status} X\r\nConnection: close\r\n\r\n".encode())
            try:
                while True:
                    self.wfile.write(b"x" * 65536)
            except OSError:
                self.close_connection = True
        elif what == "huge-head":
            self.wfile.write(b"HTTP/1.1 200 OK\r\n")
            try:
                while True:
                    self.wfile.write(b"X-Filler: " + b"x" * 1000 + b"\r\n")
            except OSError:
                self.close_connection = True
        elif what == "accepted":
            self.answer(202, b'{"status":"success"}')
        else:
            self.answer(200, b"ok")


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_):
        pass


server = Server(("127.0.0.1", 0), Receiver)
if len(sys.argv) > 3:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[3])
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_address[1], flush=True)
sys.stdin.read()
os._exit(0)
