"""Whole calls with the real program, by its own caller: speech in, speech out, over WebRTC on loopback."""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

import cases
from worker import Worker, speak

PARLEY, RECEPTION = sys.argv[1:3]
del sys.argv[1:3]


class Call(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def call(self, worker, *sentences, arguments=()):
        says = []
        for number, text in enumerate(sentences):
            says += ["--say", str(speak(text, self.folder / f"{number}.wav"))]
        done = subprocess.run([PARLEY, "call", worker.url, "--bind", "127.0.0.1", *says, *arguments, "--out", str(self.folder / "out")],
                              capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr + worker.log())
        return json.loads((self.folder / "out" / "transcript.json").read_text())["lines"]

    def said_by(self, lines, role):
        return " ".join(line["text"] for line in lines if line["role"] == role)

    def test_question_is_heard_and_answered_and_goodbye_ends_the_call(self):
        worker = self.enterContext(Worker(PARLEY, self.folder))
        lines = self.call(worker, "What are your opening hours?", "Thank you. Goodbye.", arguments=["--agent-hangs-up-within", "6"])
        self.assertIn("opening hours", self.said_by(lines, "user").lower())
        self.assertIn("We are open every evening but Monday", self.said_by(lines, "assistant"))
        record = worker.record()
        self.assertEqual(record["outcome"], "completed", record)
        self.assertEqual(record["teardown"].get("forced", 0), 0, record)
        self.assertEqual(worker.stop(), 0, worker.log())

    def test_example_books_a_table_and_its_work_after_the_call_is_done_once(self):
        worker = self.enterContext(Worker(RECEPTION, self.folder))
        lines = self.call(worker, "I would like to book a table for four people.", "Tomorrow.", "At seven in the evening.",
                          "My name is Smith.", "Yes, please.", "No, thank you. Goodbye.", arguments=["--agent-hangs-up-within", "6"])
        self.assertIn("booked", self.said_by(lines, "assistant"), lines)
        worker.record()
        self.assertEqual(worker.stop(), 0, worker.log())
        booked = (self.folder / "bookings.jsonl").read_text().splitlines()
        self.assertEqual(len(booked), 1, booked)
        self.assertEqual(json.loads(booked[0])["booking"]["people"], 4)


if __name__ == "__main__":
    cases.run("system_call")
