"""An OpenAI-compatible chat server on loopback that fails as its path says: http://127.0.0.1:PORT/<fault>/chat/completions."""

import http.server
import json
import socket
import threading


def _event(text):
    return b"data: " + json.dumps({"choices": [{"index": 0, "delta": {"content": text}}]}).encode() + b"\n\n"


class FakeOpenAi:
    """Thread: one a connection. Ending: close() ends those that stall as well."""

    def __init__(self):
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self.requests = {}
        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                fault = self.path.split("/")[1]
                number = fake._count(fault)
                self.close_connection = True
                try:
                    getattr(fake, "_" + fault)(self, number)
                except OSError:
                    pass  # the caller has gone, which is its right

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def url(self, fault):
        return f"http://127.0.0.1:{self.port}/{fault}"

    def asked(self, fault):
        with self._lock:
            return self.requests.get(fault, 0)

    def close(self):
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _count(self, fault):
        with self._lock:
            self.requests[fault] = self.requests.get(fault, 0) + 1
            return self.requests[fault]

    # ---- the faults

    def _answer(self, handler, words, done=True):
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.send_header("Connection", "close")
        handler.end_headers()
        for word in words:
            handler.wfile.write(_event(word))
        if done:
            handler.wfile.write(b"data: [DONE]\n\n")
        handler.wfile.flush()

    def _refuse(self, handler, status, message, fields=()):
        body = json.dumps({"error": {"message": message}}).encode()
        handler.send_response(status)
        for name, value in [("Content-Type", "application/json"), ("Content-Length", str(len(body))), *fields]:
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    def _good(self, handler, _):
        self._answer(handler, ["All is ", "well."])

    def _unauthorized(self, handler, _):
        self._refuse(handler, 401, "Incorrect API key provided.")

    def _busy_once(self, handler, number):
        if number == 1:
            self._refuse(handler, 429, "Rate limit reached.", [("Retry-After", "1")])
        else:
            self._answer(handler, ["All is ", "well."])

    def _silent(self, _, __):
        self._closing.wait(60)

    def _stalls(self, handler, _):
        self._answer(handler, ["We are open. ", "And the"], done=False)
        self._closing.wait(60)

    def _garbage(self, handler, _):
        handler.wfile.write(b"\x16\x03\x01 this is no HTTP\r\n\r\n" + bytes(range(256)))

    def _nonsense(self, handler, _):
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.end_headers()
        handler.wfile.write(b"data: {\"choices\": 7, \"\xff\n\ndata: <html>\n\n")

    def _closes(self, handler, _):
        self._answer(handler, ["We are open. ", "And the"], done=False)
        handler.connection.shutdown(socket.SHUT_RDWR)
