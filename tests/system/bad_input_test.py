"""Bad input to the whole program: each gets a clear error, and nothing is lost by it."""

import array
import concurrent.futures
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse
import urllib.request
import wave

import cases
from worker import Worker

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "faults"))
from fake_openai import FakeOpenAi  # noqa: E402

PARLEY, AGENT, CALLER = sys.argv[1:4]
del sys.argv[1:4]

USAGE, CANNOT_START = 2, 3
FAILURE_WORDS = "I am sorry, something is wrong on our side. Please call again."
ANY_PORTS = ["--listen", "127.0.0.1:0", "--health-listen", "127.0.0.1:0"]


def models():
    cache = os.environ.get("PARLEY_CACHE") or os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "parley")
    return pathlib.Path(cache) / "models"


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


class Start(unittest.TestCase):
    """A worker that cannot start says why, once, in a sentence that tells what to do, and leaves nothing behind."""

    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.state = self.folder / "state"

    def refused(self, code, *arguments, ports=ANY_PORTS, command=("dev",), wrap=()):
        state = [] if "--state-dir" in arguments or command != ("dev",) else ["--state-dir", self.state]
        done = subprocess.run([*wrap, PARLEY, *command, *state, *(ports if command == ("dev",) else ()), *arguments],
                              capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertEqual(done.stdout, "")
        lines = [line for line in done.stderr.splitlines() if not line.startswith("Run with --help")]
        self.assertEqual(len(lines), 1, done.stderr)
        wait_until(lambda: not processes_with(str(self.folder)), 5, lambda: f"no process is left: {processes_with(str(self.folder))}")
        return lines[0]

    def taken(self):
        other = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(other.close)
        return f"127.0.0.1:{other.getsockname()[1]}"

    def test_port_of_calls_is_taken(self):
        port = self.taken()
        why = self.refused(CANNOT_START, ports=["--listen", port, "--health-listen", "127.0.0.1:0"])
        self.assertRegex(why, f"cannot listen on {port}: another program uses this port; stop it or choose another.*--listen")

    def test_port_of_health_is_taken(self):
        port = self.taken()
        why = self.refused(CANNOT_START, ports=["--listen", "127.0.0.1:0", "--health-listen", port])
        self.assertRegex(why, f"cannot listen on {port}: another program uses this port; stop it or choose another.*--health-listen")

    def test_both_listen_on_one_port(self):
        free = socket.create_server(("127.0.0.1", 0))
        port = f"127.0.0.1:{free.getsockname()[1]}"
        free.close()
        why = self.refused(CANNOT_START, ports=["--listen", port, "--health-listen", port])
        self.assertIn(f"cannot listen on {port}", why)

    def test_address_is_not_of_this_machine(self):
        why = self.refused(CANNOT_START, "--token", "0123456789abcdef", ports=["--listen", "192.0.2.1:0", "--health-listen", "127.0.0.1:0"])
        self.assertRegex(why, "this machine has no such address; choose one of its own")

    def test_beyond_loopback_needs_a_token(self):
        for address in ("0.0.0.0:0", "[::]:0", "192.0.2.1:8080"):
            why = self.refused(USAGE, ports=["--listen", address, "--health-listen", "127.0.0.1:0"])
            self.assertRegex(why, "without a token.*--token")

    def test_token_that_can_be_guessed(self):
        self.assertRegex(self.refused(USAGE, "--token", "secret"), "the token can be guessed: make it 16 characters or longer")

    def test_addresses_that_are_none(self):
        for option in ("--listen", "--health-listen"):
            for address in ("nonsense", "127.0.0.1", "127.0.0.1:99999", "localhost:8080", ":8080", "127.0.0.1:-1", ""):
                self.assertRegex(self.refused(USAGE, option, address, ports=[]), f'{option} "{address}" is no address and port, as 127.0.0.1:8080')

    def test_other_options_that_mean_nothing(self):
        for arguments, why in ((("--bogus",), "--bogus"), (("--slots", "0"), "--slots"), (("--slots", "many"), "--slots"),
                               (("--udp-ports", "9-3"), "--udp-ports"), (("--udp-ports", "1-99999"), "--udp-ports"),
                               (("--advertise", "calls.example"), "IP address"), (("--udp-address", "here"), "IP address"),
                               (("--log-format", "xml"), "--log-format"), (("--drain-grace", "-1"), "--drain-grace")):
            self.assertIn(why, self.refused(USAGE, *arguments))

    def test_commands_that_are_none(self):
        self.assertRegex(self.refused(USAGE, command=()), "say what to do: dev, start")
        self.assertRegex(self.refused(USAGE, command=("serve",)), "serve")
        self.assertRegex(self.refused(USAGE, command=("init",)), "say what to do: dev, start")

    def test_state_directory_is_a_file(self):
        self.state.write_text("no folder")
        why = self.refused(CANNOT_START)
        self.assertRegex(why, f"the state directory {self.state} cannot be used .*Not a directory.*--state-dir")

    def test_state_directory_cannot_be_written(self):
        self.state.mkdir()
        why = self.refused(CANNOT_START, wrap=["unshare", "-m", "sh", "-c", f'mount -t tmpfs -o ro tmpfs {self.state} && exec "$@"', "sh"])
        self.assertRegex(why, f"the state directory {self.state} cannot be used .*Read-only file system.*--state-dir")

    def test_state_directory_cannot_be_made(self):
        why = self.refused(CANNOT_START, "--state-dir", "/proc/nowhere/state")
        self.assertRegex(why, "the state directory /proc/nowhere/state cannot be used .*--state-dir")

    def test_state_directory_is_in_use_and_its_worker_goes_on(self):
        worker = Worker(PARLEY, self.folder)
        self.addCleanup(worker.stop)
        done = subprocess.run([PARLEY, "dev", "--state-dir", self.state, *ANY_PORTS], capture_output=True, text=True, timeout=20)
        self.assertEqual(done.returncode, CANNOT_START, done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertRegex(done.stderr, f"another supervisor uses {self.state}: stop it, or give this one its own --state-dir")
        self.assertTrue(healthy(worker), worker.log())
        self.assertEqual(worker.stop(), 0, worker.log())

    def test_models_folder_is_missing(self):
        why = self.refused(USAGE, "--models", self.folder / "none")
        self.assertRegex(why, '/none/silero_vad.onnx" cannot be read .*run "make setup"')

    def copied(self, name, damage):
        """The models in a folder of their own, one of them damaged."""
        copy = self.folder / "models"
        shutil.rmtree(copy, ignore_errors=True)
        (copy / "moonshine-tiny-en").mkdir(parents=True)
        for path in models().rglob("*"):
            if path.is_file():
                (copy / path.relative_to(models())).symlink_to(path.resolve())
        whole = (copy / name).read_bytes()
        (copy / name).unlink()
        if damage is not None:
            (copy / name).write_bytes(damage(whole))
        return copy

    def damaged(self, name, damage):
        return self.refused(USAGE, "--models", self.copied(name, damage))

    def test_each_model_file_missing_cut_or_of_another_kind_is_named(self):
        for name in ("silero_vad.onnx", "moonshine-tiny-en/encoder_model.onnx", "moonshine-tiny-en/decoder_model_merged.onnx",
                     "moonshine-tiny-en/tokens.txt"):
            other = models() / ("moonshine-tiny-en/tokens.txt" if name.endswith(".onnx") else "silero_vad.onnx")
            for damage in (None, lambda whole: whole[:len(whole) // 2], lambda whole: b"", lambda whole: other.read_bytes()):
                why = self.damaged(name, damage)
                self.assertIn(name, why)
                self.assertIn('run "make setup"', why)

    def test_recogniser_given_in_the_place_of_another_is_named(self):
        encoder = models() / "moonshine-tiny-en/encoder_model.onnx"
        why = self.damaged("moonshine-tiny-en/decoder_model_merged.onnx", lambda whole: encoder.read_bytes())
        self.assertRegex(why, "decoder_model_merged.onnx.*another model")

    def test_model_that_is_only_found_damaged_when_it_is_loaded_ends_the_worker(self):
        def scratched(whole):
            scratched = bytearray(whole)
            for at in range(1000, len(scratched), len(scratched) // 500):
                scratched[at] ^= 0xff
            return bytes(scratched)

        copy = self.copied("moonshine-tiny-en/encoder_model.onnx", scratched)
        done = subprocess.run([PARLEY, "dev", "--state-dir", self.state, "--models", copy, *ANY_PORTS], capture_output=True, text=True, timeout=30)
        self.assertEqual(done.returncode, CANNOT_START, done.stderr)
        self.assertRegex(done.stderr, f'the speech recogniser in "{copy}.*run "make setup" to get it again')
        self.assertRegex(done.stderr.splitlines()[-1], "cannot start: the inference process cannot use its model")
        wait_until(lambda: not processes_with(str(self.folder)), 5, lambda: f"no process is left: {processes_with(str(self.folder))}")

    def test_caller_without_an_agent_without_a_wav_or_without_a_script(self):
        wav = self.folder / "no.wav"
        wav.write_bytes(b"RIFF\x24\x00\x00\x00WAVEfmt ")
        port = self.taken().split(":")[1]
        self.assertRegex(self.refused(USAGE, "http://127.0.0.1:1", command=("call",)), "nothing to do: give --say")
        self.assertRegex(self.refused(USAGE, "http://127.0.0.1:1", "--say", wav, command=("call",)), "no.wav: ")
        self.assertRegex(self.refused(USAGE, "gopher://127.0.0.1", "--hang-up-after", "1", command=("call",)), "http")
        self.assertRegex(self.refused(CANNOT_START, "http://127.0.0.1:1", "--hang-up-after", "1", command=("call",)), "cannot reach .*refused")
        self.assertRegex(self.refused(CANNOT_START, f"http://127.0.0.1:{port}", "--hang-up-after", "1", command=("call",)), "127.0.0.1")


class Http(unittest.TestCase):
    """What comes in over HTTP: refused with the right status and a sentence, and the worker serves on."""

    @classmethod
    def setUpClass(cls):
        folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.worker = Worker(AGENT, folder, "--slots", "2")
        cls.addClassCleanup(cls.worker.stop)
        cls.site = Site(cls.worker.url)

    def tearDown(self):
        self.all_free()
        self.assertTrue(healthy(self.worker), self.worker.log())

    def all_free(self):
        wait_until(lambda: status_of(self.worker)["slots"]["in_use"] == 0, 15, lambda: f"every slot is free: {self.worker.log()}")

    def problem(self, answer, status, words=""):
        got, fields, body = answer
        self.assertEqual(got, status, body)
        self.assertEqual(fields["Content-Type"], "application/problem+json", body)
        problem = json.loads(body)
        self.assertEqual(problem["status"], status)
        self.assertRegex(problem["detail"], words)
        return fields

    def a_good_call_works(self):
        done = subprocess.run([PARLEY, "call", with_metadata(self.worker, {"greeting": "Hello."}), "--hang-up-after", "0.5"],
                              capture_output=True, text=True, timeout=30)
        self.assertEqual(done.returncode, 0, done.stderr + self.worker.log())

    def test_metadata_that_is_no_json_object(self):
        for text in ("{", "[1]", "7", "%FF%FE", '{"a":' * 400, '{"a":1}x', ""):
            path = "/call?metadata=" + (text if text.startswith("%") else urllib.parse.quote(text))
            self.problem(self.site.offer(sdp(), path), 400, "metadata must be a JSON object")

    def test_metadata_that_is_too_long(self):
        self.problem(self.site.offer(sdp(), metadata={"long": "x" * 4096}), 400, "metadata has at most 4096 bytes")

    def test_body_that_is_no_offer(self):
        for body in ("", "hello", "{}", '{"type":"offer","sdp":"v=0"}'):
            self.problem(self.site.offer(body), 400, "the body is no SDP: it must begin with v=0")

    def test_content_type_that_is_not_sdp(self):
        for kind in ("application/json", "text/plain", "application/sdpx", ""):
            fields = self.problem(self.site.ask("POST", "/call", sdp(), Content_Type=kind), 415, "Content-Type: application/sdp")
            self.assertEqual(fields["Accept-Post"], "application/sdp")

    def test_offers_that_cannot_be_answered(self):
        whole = sdp()
        for text, words in ((sdp(audio=(), video=True), "no audio"),
                            (sdp(audio=()), "audio"),
                            (sdp(audio=("0 PCMU/8000", "8 PCMA/8000")), "(?i)opus"),
                            (sdp(fingerprint=False), "fingerprint"),
                            (sdp(media="RTP/AVP"), "."),
                            (whole.replace("a=ice-ufrag:abcd", "a=ice-ufrag:a"), "ice-ufrag"),
                            (whole.replace("a=ice-ufrag:abcd", "a=ice-ufrag:" + "a" * 300), "ice-ufrag"),
                            (whole.replace("a=ice-ufrag:abcd\r\n", ""), "ice-ufrag"),
                            (whole.replace("a=ice-pwd:aaaabbbbccccddddeeeeffff", "a=ice-pwd:short"), "ice-pwd"),
                            (whole[:whole.index("m=audio") + 3], "line"),
                            (whole[:200], "."),
                            (whole.replace("a=ice-ufrag:abcd", "a=ice-ufrag:ab\udcff\udcfe"), "."),
                            ("v=0", "."),
                            ("v=0\r\n" + "\x00\x01\x02" * 50, "line"),
                            ("v=0\r\n" + "a=x\r\n" * 3000, "line|lines"),
                            ("v=0\r\nm=" + "9" * 5000, "line")):
            with self.subTest(words=words, sdp=text[:60]):
                self.all_free()
                self.problem(self.site.offer(text), 422, words)

    def test_truncated_offers_are_never_a_fault_of_ours(self):
        whole = sdp(video=True)
        for cut in range(3, len(whole), 97):
            self.all_free()
            status, _, body = self.site.offer(whole[:cut])
            self.assertIn(status, (201, 422), f"{cut}: {body}")
            if status == 201:
                break  # all that counts is there

    def test_offer_with_thousands_of_candidates_is_answered_or_refused_at_once(self):
        for text in (sdp(candidates=900), sdp() + "a=candidate:1 1 udp 1 ::1 9 typ host\r\n" * 1500):
            self.all_free()
            began = time.monotonic()
            status, fields, body = self.site.offer(text)
            self.assertIn(status, (201, 422), body)
            self.assertLess(time.monotonic() - began, 2)
            if status == 201:
                self.site.ask("DELETE", fields["Location"])

    def test_body_that_is_too_large(self):
        status, _, body = self.site.offer(sdp() + "a=x\r\n" * 20000)
        self.assertEqual((status, body.count("\n")), (413, 1), body)
        with self.site.send(b"POST /call HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/sdp\r\nContent-Length: 99999999999\r\n\r\nv=0") as one:
            self.assertRegex(one.recv(4096), b"^HTTP/1.1 413 ")

    def test_header_that_is_too_large(self):
        with self.site.send(b"POST /call HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 20000 + b"\r\n\r\n") as one:
            self.assertRegex(one.recv(4096), b"^HTTP/1.1 431 ")

    def test_bytes_that_are_no_http(self):
        for data in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(300) + b"\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
                     b"POST /call HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
                     b"POST /call HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nv=0"):
            with self.site.send(data) as one:
                self.assertRegex(one.recv(4096), b"^HTTP/1.1 (400|505) ", data)

    def test_host_that_is_somebody_else(self):
        for host in ("evil.example", "127.0.0.1.evil.example", "evil.example:80", "8.8.8.8"):
            self.problem(self.site.offer(sdp(), Host=host), 403, "does not go by the name")
        with self.site.send(b"GET / HTTP/1.1\r\n\r\n") as one:
            self.assertRegex(one.recv(4096), b"^HTTP/1.1 400 ")

    def test_methods_that_mean_nothing(self):
        fields = self.problem(self.site.ask("PATCH", "/call/CA_x7KdVq3mT0aZb9Rc", "a=candidate", Content_Type="application/trickle-ice-sdpfrag"), 405, "PATCH")
        self.assertEqual(fields["Allow"], "POST, DELETE, OPTIONS")
        self.assertEqual(self.problem(self.site.ask("GET", "/call"), 405, "GET")["Allow"], "POST, OPTIONS")

    def test_calls_that_are_not(self):
        for method, path in (("POST", "/call/CA_x7KdVq3mT0aZb9Rc"), ("DELETE", "/call/CA_x7KdVq3mT0aZb9Rc"), ("DELETE", "/call/../../etc/passwd"),
                             ("GET", "/call/CA_x7KdVq3mT0aZb9Rc/events"), ("DELETE", "/call/" + "x" * 3000), ("GET", "/call/%00/events")):
            status, _, body = self.site.ask(method, path, sdp() if method == "POST" else b"", Content_Type="application/sdp")
            self.assertIn(status, (400, 404), f"{path}: {body}")

    def test_all_slots_taken_is_said_at_once_and_a_free_one_is_given(self):
        first = [self.site.offer(sdp()) for _ in range(2)]
        self.assertEqual([status for status, _, _ in first], [201, 201])
        began = time.monotonic()
        fields = self.problem(self.site.offer(sdp()), 503, "all 2 slots are taken")
        self.assertLess(time.monotonic() - began, 0.1)
        self.assertGreater(int(fields["Retry-After"]), 0)
        self.assertEqual(self.site.ask("DELETE", first[0][1]["Location"])[0], 200)
        status, fields, _ = wait_until(lambda: (lambda a: a if a[0] == 201 else None)(self.site.offer(sdp())), 10, "a slot is given again")
        for location in (first[1][1]["Location"], fields["Location"]):
            self.site.ask("DELETE", location)

    def test_client_that_leaves_before_the_answer_leaves_no_call(self):
        zygote = status_of(self.worker)["zygote"]["pid"]
        os.kill(zygote, signal.SIGSTOP)  # so that the answer has to wait
        try:
            body = sdp().encode()
            one = self.site.send(b"POST /call HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/sdp\r\n"
                                 b"Content-Length: %d\r\n\r\n" % len(body) + body)
            call = wait_until(lambda: status_of(self.worker)["calls"], 2, "the call is being started")[0]["call_id"]
            port = one.getsockname()[1]
            one.close()
            wait_until(lambda: not server_has(port), 2, "the worker sees that the client has gone")
        finally:
            os.kill(zygote, signal.SIGCONT)
        wait_until(lambda: status_of(self.worker)["slots"]["in_use"] == 0, 3, lambda: f"the slot is free: {self.worker.log()}")
        self.assertEqual(record_of(self.worker, call)["ended_by"], "caller")

    def test_a_call_after_all_that(self):
        self.a_good_call_works()


class Callers(unittest.TestCase):
    """Callers and providers that fail in the middle of a call. All of them at once, on one worker; each case looks at one."""

    REJOIN_AND_CLOSE_S = 6  # beside the 10 s of silence

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.worker = Worker(AGENT, cls.folder, "--slots", "40")
        cls.addClassCleanup(cls.worker.stop)
        cls.site = Site(cls.worker.url)
        cls.llm = FakeOpenAi()
        cls.addClassCleanup(cls.llm.close)
        closed = socket.create_server(("127.0.0.1", 0))
        cls.nobody = f"http://127.0.0.1:{closed.getsockname()[1]}/v1"
        closed.close()
        pool = cls.enterClassContext(concurrent.futures.ThreadPoolExecutor(32))
        start = lambda scenario, *arguments: pool.submit(scenario, *arguments)  # noqa: E731
        cls.never = start(cls.never_connects)
        cls.half_header = start(cls.half_sent, b"POST /call HTTP/1.1\r\nHost: loc")
        cls.half_body = start(cls.half_sent, b"POST /call HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/sdp\r\nContent-Length: 900\r\n\r\nv=0")
        cls.killed = start(cls.caller_killed)
        cls.silent = start(cls.strange_caller, "nothing", {"ask_after": 1.5, "hang_up_after": 5})
        cls.foreign = start(cls.strange_caller, "pcmu", {"ask_after": 100, "hang_up_after": 4})
        cls.lengthy = start(cls.provider_call, {"longest": 3, "greeting": "Hello. " * 40})
        quick = {"retries": 1, "interval": 0.1, "timeout": 1, "replies": 4}
        cls.faults = {"refused": start(cls.provider_call, {**quick, "llm": [cls.nobody]})}
        for fault in ("unauthorized", "silent", "stalls", "garbage", "nonsense", "closes"):
            cls.faults[fault] = start(cls.provider_call, {**quick, "llm": [cls.llm.url(fault)]})
        cls.faults["busy_once"] = start(cls.provider_call, {"replies": 1, "end": 1, "llm": [cls.llm.url("busy_once")]})
        cls.goodbye = start(cls.provider_call, {"greeting": "We are closed today. Goodbye.", "end": 1})
        cls.faults["chain"] = start(cls.provider_call, {"replies": 1, "end": 1, "llm": [cls.nobody, cls.llm.url("good")]})

    # ---- scenarios

    @classmethod
    def never_connects(cls):
        began = time.monotonic()
        status, fields, body = cls.site.offer(sdp())
        if status != 201:
            raise AssertionError(body)
        record = record_of(cls.worker, fields["Location"].removeprefix("/call/"), 25)
        return record, time.monotonic() - began

    @classmethod
    def half_sent(cls, data):
        began = time.monotonic()
        with cls.site.send(data) as one:
            return one.recv(4096), time.monotonic() - began

    @classmethod
    def caller_killed(cls):
        wav = cls.folder / "long.wav"
        subprocess.run(["espeak-ng", "-w", wav, "I would like to tell you a very long story about a table. " * 5], check=True, timeout=60)
        out = cls.folder / "killed.txt"
        with open(out, "wb") as log:
            caller = subprocess.Popen([PARLEY, "call", with_metadata(cls.worker, {}), "--say", wav], stderr=log)
        call = wait_until(lambda: next((c["call_id"] for c in status_of(cls.worker)["calls"] if cls.hears(c["call_id"])), None), 15,
                          "the agent hears the caller")
        caller.kill()
        caller.wait()
        began = time.monotonic()
        wait_until(lambda: any(line["type"] == "close" for line in timeline(cls.worker, call)), 25, "the call ends")
        return record_of(cls.worker, call), time.monotonic() - began

    @classmethod
    def hears(cls, call_id):
        return any(line["type"] == "user_state_changed" and line["data"]["new_state"] == "speaking"
                   for line in timeline(cls.worker, call_id))

    @classmethod
    def strange_caller(cls, sends, metadata):
        caller = subprocess.Popen([CALLER, with_metadata(cls.worker, metadata), sends, "30"], stdout=subprocess.PIPE, text=True)
        began = time.monotonic()
        call = caller.stdout.readline().strip()
        caller.wait(40)
        ended = time.monotonic() - began
        caller.stdout.close()
        return record_of(cls.worker, call), ended

    @classmethod
    def provider_call(cls, metadata):
        """What the caller heard, what the watcher saw, and what the record says of a call that the agent must end."""
        out = pathlib.Path(tempfile.mkdtemp(dir=cls.folder))
        began = time.monotonic()
        done = subprocess.run([PARLEY, "call", with_metadata(cls.worker, metadata), "--agent-hangs-up-within", "60", "--out", out],
                              capture_output=True, text=True, timeout=90)
        took = time.monotonic() - began
        if done.returncode != 0:
            raise AssertionError(done.stderr + cls.worker.log())
        call = re.search(r"CA_\w+", done.stderr).group(0)
        lines = timeline(cls.worker, call)
        return {"record": record_of(cls.worker, call), "took": took, "lines": timeline(cls.worker, call), "wav": out / "call.wav",
                "errors": [line["data"] for line in lines if line["type"] == "error"]}

    # ---- callers

    def test_caller_that_never_connects_is_given_up_and_its_slot_is_freed(self):
        record, took = self.never.result()
        self.assertEqual((record["reason"], record["ended_by"]), ("caller_vanished", "caller"), record)
        self.assertTrue(record["detail"], record)
        self.assertLess(took, 10 + self.REJOIN_AND_CLOSE_S)

    def test_request_that_stays_half_sent_is_ended_after_ten_seconds(self):
        for half in (self.half_header, self.half_body):
            answer, took = half.result()
            self.assertRegex(answer, b"^HTTP/1.1 408 ")
            self.assertTrue(9 < took < 13, took)

    def test_caller_killed_in_the_middle_of_a_sentence_is_noticed_within_ten_seconds(self):
        record, took = self.killed.result()
        self.assertEqual((record["reason"], record["ended_by"]), ("caller_vanished", "caller"), record)
        self.assertRegex(record["detail"], "nothing was heard from the caller for 10 s|the network to the caller is gone")
        self.assertLess(took, 10 + self.REJOIN_AND_CLOSE_S)
        self.assertTrue(any(item.get("role") == "user" for item in record["transcript"]), "what was said before is kept: " + str(record))

    def test_caller_who_sends_no_audio_is_asked_and_then_hung_up_on(self):
        record, took = self.silent.result()
        self.assertEqual((record["reason"], record["detail"]), ("limit", "nobody spoke any more"), record)
        self.assertEqual([item["text"] for item in record["transcript"]], ["Are you still there?"])
        self.assertTrue(4 < took < 12, took)

    def test_caller_who_sends_another_codec_is_not_understood_and_the_operator_is_told(self):
        record, took = self.foreign.result()
        self.assertEqual((record["reason"], record["detail"]), ("limit", "nobody spoke any more"), record)
        self.assertIn("the caller sends another codec than Opus, which was agreed", self.worker.log())
        self.assertTrue(3 < took < 12, took)

    def test_call_that_lasts_too_long_is_ended(self):
        seen = self.lengthy.result()
        self.assertEqual((seen["record"]["reason"], seen["record"]["detail"]), ("limit", "the call reached its longest duration"))
        self.assertEqual(seen["record"]["outcome"], "completed")

    def test_agent_that_says_goodbye_before_the_caller_is_connected_is_heard(self):
        seen = self.goodbye.result()
        self.assertEqual([item["text"] for item in seen["record"]["transcript"]], ["We are closed today. Goodbye."], seen["record"])
        self.assertGreater(seconds_of_sound(seen["wav"]), 1)

    # ---- providers

    def gives_up(self, fault, code, message):
        """Four failures, three of them borne; then the caller hears the words for a failure, and the call ends as one."""
        seen = self.faults[fault].result()
        record = seen["record"]
        self.assertEqual([error["recoverable"] for error in seen["errors"]], [True, True, True, False], seen["errors"])
        for error in seen["errors"]:
            self.assertEqual((error["source"]["type"], error["code"]), ("llm_error", code), error)
            self.assertRegex(error["message"], message)
        self.assertEqual((record["reason"], record["ended_by"], record["outcome"]), ("failure", "failure", "failed"), record)
        self.assertRegex(record["detail"], message)
        self.assertEqual(record["transcript"][-1]["text"], FAILURE_WORDS, record)
        self.assertGreater(seconds_of_sound(seen["wav"]), 2, "the caller hears them")
        self.assertLess(seen["took"], 30)
        return seen

    def test_provider_that_refuses_the_connection(self):
        self.gives_up("refused", "unavailable", "openai: .*refused")

    def test_provider_that_refuses_the_key_is_not_asked_again_for_the_same_reply(self):
        self.gives_up("unauthorized", "refused", "Incorrect API key provided")
        self.assertEqual(self.llm.asked("unauthorized"), 4)

    def test_provider_that_never_begins_to_answer(self):
        self.gives_up("silent", "timeout", "nothing came for . s")
        self.assertEqual(self.llm.asked("silent"), 8)

    def test_provider_that_stalls_in_the_middle_is_not_asked_again_and_its_words_are_heard(self):
        seen = self.gives_up("stalls", "timeout", "nothing came for . s")
        self.assertEqual(self.llm.asked("stalls"), 4)
        self.assertIn("We are open.", seen["record"]["transcript"][0]["text"])

    def test_provider_that_answers_garbage_for_http(self):
        self.gives_up("garbage", "protocol", "openai: ")
        self.assertEqual(self.llm.asked("garbage"), 8)

    def test_provider_that_answers_garbage_for_json(self):
        self.gives_up("nonsense", "protocol", "openai: no JSON object in the answer")

    def test_provider_that_closes_in_the_middle_is_not_asked_again_and_its_words_are_heard(self):
        seen = self.gives_up("closes", "protocol", "openai: the answer broke off before its end")
        self.assertEqual(self.llm.asked("closes"), 4)
        self.assertIn("We are open.", seen["record"]["transcript"][0]["text"])

    def test_provider_that_is_busy_is_asked_again_after_the_time_it_names_and_nobody_notices(self):
        seen = self.faults["busy_once"].result()
        self.assertEqual((seen["errors"], self.llm.asked("busy_once")), ([], 2))
        self.assertEqual([item["text"] for item in seen["record"]["transcript"]], ["All is well."])
        self.assertEqual(seen["record"]["outcome"], "completed")

    def test_provider_that_is_down_is_passed_over_for_the_next_of_its_chain(self):
        seen = self.faults["chain"].result()
        self.assertEqual(seen["errors"], [])
        self.assertEqual([item["text"] for item in seen["record"]["transcript"]], ["All is well."])
        self.assertLess(seen["took"], 10)


class WorkerOnSmallDisk(Worker):
    """A worker whose state directory is a small disk of its own, which nobody else sees."""

    def __init__(self, folder, size):
        self.real = pathlib.Path(folder) / "state"
        self.real.mkdir()
        wrapper = pathlib.Path(folder) / "wrapper"
        wrapper.write_text(f'#!/bin/sh\nmount -t tmpfs -o size={size} tmpfs {self.real} && exec {AGENT} "$@"\n')
        wrapper.chmod(0o755)
        outer = pathlib.Path(folder) / "outer"
        namespaces = "-m" if os.geteuid() == 0 else "-rm"
        outer.write_text(f'#!/bin/sh\nexec unshare {namespaces} {wrapper} "$@"\n')
        outer.chmod(0o755)
        super().__init__(outer, folder)
        # As the worker's own processes see it.
        self.state = pathlib.Path(f"/proc/{self.process.pid}/root{self.real}")


class FullDisk(unittest.TestCase):
    """The disk under the journals is full: calls go on, the operator is told, and nothing is passed over in silence."""

    def setUp(self):
        can = subprocess.run(["unshare", "-m" if os.geteuid() == 0 else "-rm", "true"], capture_output=True, text=True)
        if can.returncode != 0:
            self.skipTest("no mount namespace can be made here: " + can.stderr.strip())
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.worker = WorkerOnSmallDisk(folder, "192k")
        self.addCleanup(self.worker.stop)

    def fill(self):
        with open(self.worker.state / "filler", "ab", buffering=0) as filler:
            try:
                while filler.write(b"x" * 4096):
                    pass
            except OSError:
                pass

    def free(self):
        (self.worker.state / "filler").unlink()

    def place(self, **metadata):
        caller = subprocess.Popen([PARLEY, "call", with_metadata(self.worker, metadata), "--hang-up-after", "60"],
                                  stderr=subprocess.PIPE, text=True)
        self.addCleanup(caller.stderr.close)
        self.addCleanup(caller.wait)
        self.addCleanup(caller.kill)
        for line in caller.stderr:
            if "connected" in line:
                return caller, status_of(self.worker)["calls"][0]["call_id"]
        raise AssertionError("no call: " + self.worker.log())

    def metric(self, name):
        with urllib.request.urlopen(f"http://127.0.0.1:{health_port(self.worker)}/metrics", timeout=10) as answer:
            return float(re.search(rf"^{name} (\S+)$", answer.read().decode(), re.MULTILINE).group(1))

    def logged(self, words, within_s=10):
        wait_until(lambda: re.search(words, self.worker.log()), within_s, lambda: f"the log says {words}: {self.worker.log()}")

    def test_call_goes_on_the_operator_is_told_and_nothing_is_lost_when_space_comes_back(self):
        caller, call = self.place(ask_after=1.5, hang_up_after=100, writes=40)
        self.fill()
        self.logged("the disk under /.* is full: calls go on.*free space there")
        self.logged("the disk under the journals is full .*calls go on.*free space there")
        wait_until(lambda: not healthy(self.worker), 5, "health says so")
        self.assertEqual((status_of(self.worker)["disk"]["full"], self.metric("parley_journal_disk_full")), (True, 1))
        self.assertIsNone(caller.poll())
        self.free()
        self.logged("journals can be written again .*records lost meanwhile: 0")
        self.logged("there is space under /.* again")
        wait_until(lambda: healthy(self.worker), 5, "health says so")
        self.assertEqual(self.metric("parley_journal_disk_full"), 0)
        wait_until(lambda: any(line["type"] == "conversation_item_added" for line in timeline(self.worker, call)), 10, "the question is asked")
        caller.send_signal(signal.SIGINT)
        record = record_of(self.worker, call)
        self.assertEqual((record["outcome"], record["reason"]), ("completed", "caller_hung_up"), record)
        self.assertEqual([item["text"] for item in record["transcript"]], ["Are you still there?"])
        self.assertFalse(any(record["journal"].values()), record)

    def test_call_that_ends_on_a_full_disk_frees_its_slot_and_is_recorded_when_there_is_space(self):
        caller, call = self.place(ask_after=1, hang_up_after=100, writes=40)
        self.fill()
        self.logged(f"the disk under the journals is full .*{call}")
        caller.send_signal(signal.SIGINT)
        wait_until(lambda: status_of(self.worker)["slots"]["in_use"] == 0, 15, lambda: f"the slot is free: {self.worker.log()}")
        self.assertLess(caller.wait(10), 5)
        self.logged(f"the end of call {call} is not recorded yet: ")
        self.assertFalse(any(line["type"] == "call.terminal" for line in timeline(self.worker, call)))
        self.assertEqual(status_of(self.worker)["after_call"]["calls"], 1)
        self.free()
        record = record_of(self.worker, call)
        self.assertTrue(any(record["journal"].values()), f"what is missing is said: {record}")
        wait_until(lambda: healthy(self.worker), 5, lambda: f"all is well again: {self.worker.log()}")
        self.assertEqual(self.worker.stop(), 0, self.worker.log())

    def test_call_on_a_disk_that_is_full_already_is_answered_and_the_worker_ends_in_time_all_the_same(self):
        self.fill()
        caller, call = self.place(ask_after=1, hang_up_after=3)
        self.assertLess(caller.wait(30), 5, self.worker.log())
        wait_until(lambda: status_of(self.worker)["slots"]["in_use"] == 0, 15, lambda: f"the slot is free: {self.worker.log()}")
        began = time.monotonic()
        self.assertEqual(self.worker.stop(), 0, self.worker.log())
        self.assertLess(time.monotonic() - began, 15)
        self.logged("some calls have no terminal record yet: the next supervisor writes them")


if __name__ == "__main__":
    cases.run("system_bad_input")
