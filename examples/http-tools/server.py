"""A restaurant's tools for its agent, with Python's own library alone: TOOLS_SECRET=... python3 server.py [port]"""
import hashlib, hmac, json, os, sys, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET, PORT = os.environ["TOOLS_SECRET"].encode(), int(sys.argv[1]) if len(sys.argv) > 1 else 8090
done, lock = {}, threading.Lock()  # answers by Idempotency-Key; yours belong into your database

def book_table(ask):  # the LLM hears of `result` and puts it into words
    print(json.dumps({"booked": ask["arguments"], "call": ask["call"]["id"]}), flush=True)
    return {"result": {"table": 7}}
def opening_hours(ask):  # said as it stands
    return {"result": "told", "actions": [{"say": "We are open from five in the evening. Anything else?"}]}
def on_call(ask):  # any key of agent.yaml, for this call; {"refuse": "why"} does not take it
    return {"greeting": {"say": "Good evening, Trattoria Roma. Nice of you to call. How can I help you?"}}
def on_end(record):
    print(json.dumps({"ended": record["call"]["id"], "outcome": record["outcome"]}), flush=True)
    return {}
routes = {"/book_table": book_table, "/opening_hours": opening_hours, "/on_call": on_call, "/on_end": on_end}

def signed(header, body):  # t=<unix seconds>,v1=<hex HMAC-SHA256 of "t.body">, of the last five minutes
    parts = dict(part.partition("=")[::2] for part in header.split(","))
    good = hmac.new(SECRET, parts.get("t", "").encode() + b"." + body, hashlib.sha256).hexdigest()
    fresh = parts.get("t", "").isdecimal() and abs(time.time() - int(parts["t"])) <= 300
    return fresh and hmac.compare_digest(good.encode(), parts.get("v1", "").encode())
def answer(path, key, header, body):
    if not signed(header, body): return 401, {"error": "the signature does not fit"}
    if path not in routes: return 404, {"error": f"there is no {path}"}
    with lock:  # what comes twice is done once
        if key not in done: done[key] = routes[path](json.loads(body))
    return 200, done[key]
class Tools(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status, told = answer(self.path, self.headers["Idempotency-Key"], self.headers.get("Parley-Signature", ""), body)
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(told).encode())
server = ThreadingHTTPServer(("127.0.0.1", PORT), Tools)
print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
