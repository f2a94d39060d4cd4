"""The page in real Chromium: a call, a reload in the middle of it, a tab closed in the middle of a sentence, a token."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

import cases
from worker import FFMPEG, Worker, speak

PARLEY, CACHE = sys.argv[1:3]
del sys.argv[1:3]
PLAYWRIGHT = next(iter(sorted(pathlib.Path(CACHE).glob("playwright-core-*"))), None) or sys.exit(
    f"playwright-core is missing in {CACHE}: `make test` puts it there")
NODE, CHROMIUM = cases.need("node"), cases.need("chromium")
HERE = pathlib.Path(__file__).resolve().parent


class Page(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def worker(self, *arguments, **options):
        return self.enterContext(Worker(PARLEY, self.folder, *arguments, **options))

    def browse(self, worker, name, **more):
        what = {"playwright": str(PLAYWRIGHT), "chromium": CHROMIUM, "url": worker.url, "microphone": str(self.question()),
                "screenshots": os.environ.get("PARLEY_SCREENSHOTS"), "scenario": {"name": name} | more}
        done = subprocess.run([NODE, HERE / "page_test.mjs", json.dumps(what)], capture_output=True, text=True, timeout=110)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr + worker.log())
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
        worker = self.worker()
        seen = self.browse(worker, "ask and hang up")
        self.assertEqual([line["role"] for line in seen["transcript"]], ["assistant", "user", "assistant"])
        self.assertIn("opening hours", seen["transcript"][1]["text"])
        self.assertEqual(seen["ending"], "You hung up")
        self.assertEqual(worker.record()["ended_by"], "caller")
        self.assertEqual(worker.stop(), 0, worker.log())

    def test_page_is_reloaded_and_the_call_goes_on(self):
        worker = self.worker()
        self.assertEqual(self.browse(worker, "reload")["ending"], "You hung up")
        worker.record()
        self.assertEqual(len(list((worker.state / "calls").glob("CA_*"))), 1)
        self.assertEqual(worker.stop(), 0, worker.log())

    def test_tab_closed_while_the_agent_speaks_ends_the_call_within_the_time_to_rejoin(self):
        worker = self.worker()
        self.browse(worker, "close the tab")
        began = time.monotonic()
        record = worker.record()
        self.assertLess(time.monotonic() - began, 12)
        self.assertEqual(record["ended_by"], "caller", record)
        self.assertEqual(worker.stop(), 0, worker.log())

    def test_token_is_asked_for_in_the_page_and_kept_in_the_tab_alone(self):
        token = "a token for this test alone"
        worker = self.worker(token=token)
        seen = self.browse(worker, "token", token=token)
        self.assertEqual((seen["refused"], seen["kept"]), ("Enter the token: it has only letters, digits and signs of ASCII.", None))
        self.assertEqual(seen["notice"], "The token is not the right one.")
        self.assertEqual((seen["asked"], seen["afterwards"]), ("token", "call"))
        self.assertEqual(seen["stored"]["local"], 0)
        self.assertEqual(seen["stored"]["cookies"], "")
        self.assertNotIn("token", seen["stored"]["address"])
        self.assertLessEqual(seen["wider"], 0, "the page is wider than a telephone")
        self.assertEqual(seen["ending"], "You hung up")
        self.assertEqual(len(list((worker.state / "calls").glob("CA_*"))), 1, "the reloaded page joined its call")
        self.assertEqual(worker.record()["ended_by"], "caller")
        self.assertEqual(worker.stop(), 0, worker.log())

    def test_lost_connection_is_offered_anew_until_it_is_answered(self):
        worker = self.worker()
        seen = self.browse(worker, "connection lost")
        self.assertEqual((seen["offers"], seen["ending"]), (3, "You hung up"))
        self.assertEqual(worker.record()["ended_by"], "caller")
        self.assertEqual(len(list((worker.state / "calls").glob("CA_*"))), 1)
        self.assertEqual(worker.stop(), 0, worker.log())

    def test_refused_call_says_why(self):
        worker = self.worker("--slots", "1")
        self.assertEqual(self.browse(worker, "all slots taken")["notice"], "All slots are taken (1).")
        self.assertEqual(worker.stop(), 0, worker.log())

    def test_events_that_break_off_are_read_on_behind_the_last_whole_one(self):
        worker = self.worker()
        seen = self.browse(worker, "events break off")
        self.assertEqual(seen["asked"], [None, "2", "2"])
        self.assertEqual([line["role"] for line in seen["transcript"]], ["trouble", "assistant"])
        self.assertEqual(seen["ending"], "You hung up")
        self.assertEqual(worker.stop(), 0, worker.log())

    def test_stream_of_events_is_read_alike_wherever_it_is_cut(self):
        done = subprocess.run([NODE, HERE / "events_test.mjs", HERE.parents[1] / "web" / "events.js"], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    cases.run("system_page")
