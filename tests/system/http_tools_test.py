"""The example whose tools are a server: the servers by themselves, and whole calls with each of them."""

import hashlib
import hmac
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import unittest.mock
import urllib.error
import urllib.request

import cases
from worker import Worker, speak

PARLEY = sys.argv[1]
del sys.argv[1]
EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / "examples" / "http-tools"
SECRET = "a secret for this test alone"


class Server:
    """One of the example's servers, on a free port, and what it has printed."""

    def __init__(self, *command, secret=SECRET):
        self.process = subprocess.Popen([*command, "0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                        env=os.environ | {"TOOLS_SECRET": secret})
        self.url = self.process.stdout.readline().split()[-1]
        self.printed = []
        self.changed = threading.Condition()
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            with self.changed:
                self.printed.append(json.loads(line))
                self.changed.notify_all()

    def told(self, key):
        return [line for line in self.printed if key in line]

    def wait_for(self, key, within_s=20):
        with self.changed:
            return self.changed.wait_for(lambda: self.told(key), within_s)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)
        self.reader.join(10)
        self.process.stdout.close()


def sign(secret, body, at=None):
    at = int(time.time() if at is None else at)
    return f"t={at},v1={hmac.new(secret.encode(), f'{at}.'.encode() + body, hashlib.sha256).hexdigest()}"


class Both:
    """The same cases for each server: they behave alike."""

    COMMAND = []

    def serve(self, **options):
        return self.enterContext(Server(*self.COMMAND, **options))

    # ---- by itself ----

    def post(self, server, path, told, key="CA_1/c", signature=None):
        body = json.dumps(told).encode()
        signature = sign(SECRET, body) if signature is None else signature
        request = urllib.request.Request(server.url + path, data=body, method="POST",
                                         headers={"Content-Type": "application/json", "Idempotency-Key": key, "Parley-Signature": signature})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    BOOKING = {"call": {"id": "CA_1"}, "tool": "book_table", "arguments": {"people": 4, "name": "Smith"}, "tool_call_id": "c"}

    def test_what_comes_twice_is_done_once_and_answered_alike(self):
        server = self.serve()
        for _ in range(3):
            self.assertEqual(self.post(server, "/book_table", self.BOOKING), (200, {"result": {"table": 7}}))
        self.assertTrue(server.wait_for("booked"))
        self.assertEqual(self.post(server, "/book_table", self.BOOKING, key="CA_1/d")[0], 200)
        self.post(server, "/on_end", {"call": {"id": "CA_1"}, "outcome": "completed"}, key="CA_1/on_end/1")
        self.assertTrue(server.wait_for("ended"))
        self.assertEqual(server.told("booked"), [{"booked": {"people": 4, "name": "Smith"}, "call": "CA_1"}] * 2)
        self.assertEqual(server.told("ended"), [{"ended": "CA_1", "outcome": "completed"}])

    def test_what_is_not_signed_by_the_secret_just_now_is_refused(self):
        server = self.serve()
        body = json.dumps(self.BOOKING).encode()
        good = sign(SECRET, body)
        for signature in ("", "nonsense", "t=,v1=", good[:-1], good.replace("v1", "v2"), good.upper(), sign("another", body),
                          sign(SECRET, b"{}"), sign(SECRET, body, time.time() - 400), sign(SECRET, body, time.time() + 400),
                          good.replace("t=", "t=x"), good.split(",")[1]):
            status, answer = self.post(server, "/book_table", self.BOOKING, signature=signature)
            self.assertEqual((status, answer), (401, {"error": "the signature does not fit"}), signature)
        self.assertEqual(self.post(server, "/book_table", self.BOOKING)[0], 200)
        self.assertEqual(self.post(server, "/nothing", self.BOOKING), (404, {"error": "there is no /nothing"}))

    def test_words_and_overrides_are_as_the_contract_has_them(self):
        server = self.serve()
        status, answer = self.post(server, "/opening_hours", self.BOOKING)
        self.assertEqual((status, list(answer), list(answer["actions"][0])), (200, ["result", "actions"], ["say"]))
        status, answer = self.post(server, "/on_call", {"call": {"id": "CA_1"}}, key="CA_1/on_call")
        self.assertEqual((status, list(answer)), (200, ["greeting"]))

    # ---- in a call ----

    def call(self, server, *sentences, secret=SECRET):
        """A whole call; what was said in it, its record, the worker's log, and what the worker's end was."""
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        out = folder / "out"
        said = []
        for number, text in enumerate(sentences):
            said += ["--say", speak(text, folder / f"{number}.wav")]
        with unittest.mock.patch.dict(os.environ, {"TOOLS_SECRET": secret, "TOOLS_URL": server.url}), \
                Worker(PARLEY, folder, EXAMPLE / "agent.yaml") as worker:
            done = subprocess.run([PARLEY, "call", worker.url, *said, "--agent-hangs-up-within=8", "--out", out],
                                  capture_output=True, text=True, timeout=150)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr + worker.log())
            lines = json.loads((out / "transcript.json").read_text())["lines"]
            record = worker.record()
            server.wait_for("ended", 20 if secret == SECRET else 0)
            end = worker.stop()
            log = worker.log()
            if secret == SECRET:
                self.assertEqual(end, 0, log)
        self.assertNotIn(secret, log)
        return " ".join(line["text"] for line in lines if line["role"] == "assistant"), record, log

    BOOK = ("I would like to book a table for four people.", "Tomorrow.", "At seven in the evening.", "My name is Smith.", "Yes, please.",
            "No, that is all. Goodbye.")

    ASK = ("What are your opening hours?", "No, that is all. Goodbye.")

    def test_table_is_booked_once_and_the_work_after_the_call_done_once(self):
        server = self.serve()
        said, record, log = self.call(server, *self.BOOK)
        self.assertIn("Nice of you to call", said, "the greeting is on_call's\n" + log)
        self.assertIn("table number 7", said, log)
        booked, ended = server.told("booked"), server.told("ended")
        self.assertEqual([(b["booked"]["people"], b["booked"]["time"]) for b in booked], [(4, "19:00")], log)
        self.assertEqual(ended, [{"ended": record["call"]["id"], "outcome": "completed"}], log)
        self.assertEqual(booked[0]["call"], record["call"]["id"])
        self.assertEqual((record["outcome"], record["ended_by"]), ("completed", "agent"), record)
        self.assertEqual({item["type"] for item in record["transcript"]}, {"message"}, record)
        self.assertEqual([tool["name"] for tool in record["tools"]], ["book_table", "end_call"], record)

    def test_words_of_the_server_are_said_as_they_stand(self):
        said, _, log = self.call(self.serve(), *self.ASK)
        self.assertIn("We are open from five in the evening.", said, log)

    def test_server_with_another_secret_does_nothing_and_the_caller_is_told(self):
        server = self.serve(secret="another")
        said, record, log = self.call(server, *self.ASK, secret="not the server's")
        self.assertIn("Good evening, Trattoria Roma. How can I help you?", said, "the greeting is the file's\n" + log)
        self.assertIn("I cannot see that just now", said, log)
        self.assertEqual(server.printed, [], log)
        self.assertIn("401 Unauthorized: the signature does not fit", log)
        self.assertNotEqual([hook["state"] for hook in record["hooks"]], ["done"], record)


class Python(Both, unittest.TestCase):
    COMMAND = [sys.executable, EXAMPLE / "server.py"]


class Node(Both, unittest.TestCase):
    COMMAND = [cases.need("node"), EXAMPLE / "server.mjs"]


if __name__ == "__main__":
    cases.run("system_http_tools")
