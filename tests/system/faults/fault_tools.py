"""What the tests of bad input have in common: the programs, HTTP byte by byte, and looks at a worker."""

import array
import http.client
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import wave

PARLEY, AGENT, CALLER = sys.argv[1:4]
del sys.argv[1:4]

USAGE, CANNOT_START = 2, 3  # docs/processes.md
FAILURE_WORDS = "I am sorry, something is wrong on our side. Please call again."
ANY_PORTS = ["--listen", "127.0.0.1:0", "--health-listen", "127.0.0.1:0"]


def models():
    cache = os.environ.get("PARLEY_CACHE") or os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "parley")
    return pathlib.Path(cache) / "models"


def own_mounts(test):
    """The option of unshare for mounts that nobody else sees; where none can be made the test is skipped."""
    option = "-m" if os.geteuid() == 0 else "-rm"
    can = subprocess.run(["unshare", option, "true"], capture_output=True, text=True)
    if can.returncode != 0:
        test.skipTest("no mounts of its own can be made here: " + can.stderr.strip())
    return option


def processes_with(text):
    """Those whose command line mentions it."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if text in command and int(path.parent.name) != os.getpid():
            found.append(command)
    return found


def wait_until(condition, within_s, what):
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"not within {within_s} s: {what() if callable(what) else what}")


def sdp(*, audio=("111 opus/48000/2",), video=False, candidates=1, fingerprint=True, media="UDP/TLS/RTP/SAVPF"):
    """An offer as a browser makes it, of a caller who is nowhere to be reached."""
    lines = ["v=0", "o=- 4611731400430051336 2 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0", "a=msid-semantic: WMS"]
    transport = ["c=IN IP4 127.0.0.1", "a=rtcp:9 IN IP4 0.0.0.0", "a=ice-ufrag:abcd", "a=ice-pwd:aaaabbbbccccddddeeeeffff"]
    if fingerprint:
        transport.append("a=fingerprint:sha-256 " + ":".join(f"{n:02X}" for n in range(32)))
    transport += ["a=setup:actpass", "a=mid:0", "a=sendrecv", "a=rtcp-mux"]
    transport += [f"a=candidate:{n} 1 udp 2122260223 127.0.0.1 {20000 + n % 40000} typ host" for n in range(candidates)]
    if audio:
        lines += [f"m=audio 9 {media} " + " ".join(line.split()[0] for line in audio), *transport]
        lines += [f"a=rtpmap:{line}" for line in audio]
    if video:
        lines += [f"m=video 9 {media} 96", *transport, "a=rtpmap:96 VP8/90000"]
    return "\r\n".join(lines) + "\r\n"


class Site:
    """HTTP to a worker, byte by byte where need be."""

    def __init__(self, url):
        self.port = urllib.parse.urlsplit(url).port

    def ask(self, method, path, body=b"", timeout=20, **fields):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body.encode(errors="surrogateescape") if isinstance(body, str) else body,
                               {name.replace("_", "-"): value for name, value in fields.items()})
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read().decode(errors="replace")
        finally:
            connection.close()

    def offer(self, text, path="/call", metadata=None, **fields):
        if metadata is not None:
            path += "?metadata=" + urllib.parse.quote(json.dumps(metadata))
        return self.ask("POST", path, text, Content_Type="application/sdp", **fields)

    def send(self, data):
        """Bytes as they are; the open connection."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        connection.sendall(data)
        return connection


def health_port(worker):
    """The supervisor's other listening port: nothing but the kernel knows it."""
    calls = urllib.parse.urlsplit(worker.url).port
    inodes = set()
    for fd in pathlib.Path(f"/proc/{worker.process.pid}/fd").iterdir():
        try:
            found = re.fullmatch(r"socket:\[(\d+)\]", os.readlink(fd))
        except FileNotFoundError:
            continue  # closed meanwhile
        if found:
            inodes.add(found.group(1))
    for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
        words = line.split()
        port = int(words[1].split(":")[1], 16)
        if words[3] == "0A" and words[9] in inodes and port != calls:
            return port
    raise AssertionError("the worker has no second port")


def server_has(port):
    """Whether the end of a connection to a client's port is still open on this machine."""
    ends = [line.split() for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return any(int(words[2].split(":")[1], 16) == port and words[3] in ("01", "08") for words in ends)


def status_of(worker):
    with urllib.request.urlopen(f"http://127.0.0.1:{health_port(worker)}/worker", timeout=10) as answer:
        return json.load(answer)


def healthy(worker):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{health_port(worker)}/healthz", timeout=10) as answer:
            return answer.status == 200
    except urllib.error.HTTPError:
        return False


def timeline(worker, call_id):
    """One call as `inspect --json` has it."""
    done = subprocess.run([PARLEY, "inspect", call_id, "--json", "--state-dir", worker.state], capture_output=True, timeout=20)
    return json.loads(done.stdout)["lines"] if done.returncode == 0 else []


def record_of(worker, call_id, within_s=20):
    return wait_until(lambda: next((line["data"] for line in timeline(worker, call_id) if line["type"] == "call.terminal"), None),
                      within_s, lambda: f"the terminal record of {call_id}; {timeline(worker, call_id)} {worker.log()}")


def seconds_of_sound(path):
    """How long the agent, on the right of a call's recording, was not silent."""
    with wave.open(str(path)) as wav:
        right = array.array("h", wav.readframes(wav.getnframes()))[1::2]
        frame = wav.getframerate() // 50
    return sum(max(right[at:at + frame], default=0) > 300 for at in range(0, len(right), frame)) / 50


def with_metadata(worker, metadata):
    return f"{worker.url}/call?metadata={urllib.parse.quote(json.dumps(metadata))}"
