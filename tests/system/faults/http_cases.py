"""Malformed and hostile requests."""

import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time
import unittest
import urllib.parse

from fault_tools import PARLEY, AGENT, wait_until, sdp, Site, server_has, status_of, healthy, record_of, with_metadata
from worker import Worker


class Http(unittest.TestCase):
    """What comes in over HTTP: refused with the right status and a sentence, and the worker serves on."""

    @classmethod
    def setUpClass(cls):
        folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.worker = Worker(AGENT, folder, "--slots", "2")
        cls.addClassCleanup(cls.worker.end)
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
            status, fields, body = self.site.offer(whole[:cut])
            self.assertIn(status, (201, 422), f"{cut}: {body}")
            if status == 201:  # all that counts is there
                self.site.ask("DELETE", fields["Location"])
                break

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
        fields = self.problem(self.site.offer(sdp()), 503, r"all slots are taken \(2\)")
        self.assertLess(time.monotonic() - began, 2, "it was queued")
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
