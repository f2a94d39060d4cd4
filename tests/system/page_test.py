"""The page in real Chromium: a call, a reload in the middle of it, a tab closed in the middle of a sentence."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

import cases
from worker import Worker, speak

PARLEY, CACHE = sys.argv[1:3]
del sys.argv[1:3]
PLAYWRIGHT = next(iter(sorted(pathlib.Path(CACHE).glob("playwright-core-*"))), None) or sys.exit(
    f"playwright-core is missing in {CACHE}: `make test` puts it there")
NODE, FFMPEG, CHROMIUM = (cases.need(program) for program in ("node", "ffmpeg", "chromium"))
HERE = pathlib.Path(__file__).resolve().parent


class Page(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.worker = self.enterContext(Worker(PARLEY, self.folder))

    def browse(self, microphone, wait_for, then):
        what = {"playwright": str(PLAYWRIGHT), "chromium": CHROMIUM, "url": self.worker.url, "microphone": str(microphone), "waitFor": wait_for, "then": then,
                "screenshot": os.environ.get("PARLEY_SCREENSHOT")}
        done = subprocess.run([NODE, HERE / "page_test.mjs", json.dumps(what)], capture_output=True, text=True, timeout=110)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr + self.worker.log())
        seen = json.loads(done.stdout)
        self.assertEqual(seen["errors"], [])
        return seen

    def question(self):
        # The greeting first: Chromium plays the file from the moment at which the microphone opens.
        speech = speak("What are your opening hours?", self.folder / "question.wav")
        padded = self.folder / "microphone.wav"
        subprocess.run([FFMPEG, "-v", "error", "-y", "-i", speech, "-af", "adelay=6500,apad=pad_dur=30", padded], check=True, timeout=60)
        return padded

    def test_caller_asks_reads_the_answer_and_hangs_up(self):
        seen = self.browse(self.question(), "We are open every evening", "hang up")
        self.assertEqual([line["role"] for line in seen["transcript"]][:2], ["assistant", "user"])
        self.assertEqual(seen["ending"], "You hung up")
        self.assertEqual(self.worker.record()["ended_by"], "caller")
        self.assertEqual(self.worker.stop(), 0, self.worker.log())

    def test_page_is_reloaded_and_the_call_goes_on(self):
        seen = self.browse(self.question(), "How can I help you?", "reload")
        self.assertTrue(seen["rejoined"])
        self.worker.record()
        self.assertEqual(len(list((self.worker.state / "calls").glob("CA_*"))), 1)
        self.assertEqual(self.worker.stop(), 0, self.worker.log())

    def test_tab_closed_while_the_agent_speaks_ends_the_call_within_the_time_to_rejoin(self):
        self.browse(self.question(), "What are your", "close the tab")
        began = time.monotonic()
        record = self.worker.record()
        self.assertLess(time.monotonic() - began, 12)
        self.assertEqual(record["ended_by"], "caller", record)
        self.assertEqual(self.worker.stop(), 0, self.worker.log())


if __name__ == "__main__":
    cases.run("system_page")
