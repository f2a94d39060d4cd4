"""The page in real Chromium: calls, what is shown of them, and everything that can go wrong on the caller's side."""

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
    @classmethod
    def setUpClass(cls):
        # The greeting first: Chromium plays the file from the moment at which the microphone opens.
        folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        speech = speak("What are your opening hours?", folder / "question.wav")
        cls.microphone = folder / "microphone.wav"
        subprocess.run([FFMPEG, "-v", "error", "-y", "-i", speech, "-af", "adelay=6500,apad=pad_dur=30", cls.microphone], check=True, timeout=60)

    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def worker(self, *arguments, **options):
        return self.enterContext(Worker(PARLEY, self.folder, *arguments, **options))

    def browse(self, worker, name, **more):
        what = {"playwright": str(PLAYWRIGHT), "chromium": CHROMIUM, "url": worker.url, "pid": worker.process.pid, "microphone": str(self.microphone),
                "screenshots": os.environ.get("PARLEY_SCREENSHOTS"), "scenario": {"name": name} | more}
        done = subprocess.run([NODE, HERE / "page_test.mjs", json.dumps(what)], capture_output=True, text=True, timeout=110)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr + worker.log())
        seen = json.loads(done.stdout)
        self.assertEqual(seen["errors"], [])
        return seen

    def stops_clean(self, worker):
        self.assertEqual(worker.stop(), 0, worker.log())

    def test_caller_asks_reads_the_answer_and_hangs_up(self):
        worker = self.worker()
        seen = self.browse(worker, "ask and hang up")
        self.assertEqual([line["role"] for line in seen["transcript"]], ["assistant", "user", "assistant"])
        self.assertIn("opening hours", seen["transcript"][1]["text"])
        self.assertEqual(seen["spoken"][:18], "Agent: We are open")
        self.assertEqual(seen["ending"], "You hung up")
        self.assertEqual(worker.record()["ended_by"], "caller")
        with self.subTest("each answer has its bar, and its parts are the whole"):
            self.assertEqual(len(seen["latency"]), 1, "the greeting answers nothing")
            bar = seen["latency"][0]
            self.assertIn("We are open", bar["row"])
            self.assertGreaterEqual(len(bar["parts"]), 3)
            whole, *parts = bar["numbers"]
            self.assertAlmostEqual(whole, sum(parts), delta=len(parts))
            self.assertTrue(300 < whole < 5000, whole)
        with self.subTest("the ending is told as a chart"):
            self.assertEqual(seen["again"], "Call again")
            self.assertIn("nothing had to be forced", seen["words"])
            for step in ("Session", "Application", "Connection", "Journal"):
                self.assertIn(step, seen["steps"])
        self.stops_clean(worker)

    def test_page_is_reloaded_and_the_call_goes_on_as_muted_as_it_was(self):
        worker = self.worker()
        seen = self.browse(worker, "reload")
        self.assertEqual((seen["muted"], seen["ending"]), ("true", "You hung up"))
        worker.record()
        self.assertEqual(len(list((worker.state / "calls").glob("CA_*"))), 1)
        self.stops_clean(worker)

    def test_tab_closed_while_the_agent_speaks_ends_the_call_within_the_time_to_rejoin(self):
        worker = self.worker()
        self.browse(worker, "close the tab")
        began = time.monotonic()
        record = worker.record()
        self.assertLess(time.monotonic() - began, 12)
        self.assertEqual(record["ended_by"], "caller", record)
        self.stops_clean(worker)

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
        self.assertEqual(seen["ending"], "You hung up")
        self.assertEqual(len(list((worker.state / "calls").glob("CA_*"))), 1, "the reloaded page joined its call")
        self.assertEqual(worker.record()["ended_by"], "caller")
        self.stops_clean(worker)

    def test_keyboard_alone_calls_mutes_and_hangs_up_and_escape_does_nothing(self):
        worker = self.worker()
        seen = self.browse(worker, "keyboard")
        self.assertNotEqual(seen["ring"], "none", "the focus is seen")
        self.assertEqual((seen["inCall"], seen["afterwards"]), ("hang-up", "call"))
        self.assertEqual((seen["muted"], seen["still"]), (["Mute true", "Mute false"], True))
        self.assertLessEqual({"mute", "hang-up", "microphone", "scroll"}, set(seen["reached"]))
        self.assertEqual(seen["ending"], "You hung up")
        self.stops_clean(worker)

    def test_on_a_telephone_nothing_is_cut_off_and_all_can_be_read_and_has_a_name(self):
        worker = self.worker()
        seen = self.browse(worker, "looks")
        self.assertEqual(len(seen["wider"]), 10)
        self.assertLessEqual(max(seen["wider"]), 0, "it scrolls sideways")
        self.assertEqual(seen["faults"], [])
        self.stops_clean(worker)

    def test_lost_connection_is_offered_anew_until_it_is_answered(self):
        worker = self.worker()
        seen = self.browse(worker, "connection lost")
        self.assertEqual((seen["offers"], seen["ending"]), (3, "You hung up"))
        self.assertEqual(worker.record()["ended_by"], "caller")
        self.assertEqual(len(list((worker.state / "calls").glob("CA_*"))), 1)
        self.stops_clean(worker)

    def test_connection_that_comes_back_by_itself_is_kept(self):
        worker = self.worker()
        seen = self.browse(worker, "connection recovers")
        self.assertEqual((seen["connections"], seen["ending"]), (1, "You hung up"))
        self.stops_clean(worker)

    def test_connection_that_stays_lost_is_given_up_in_bounded_time_and_can_be_called_again(self):
        worker = self.worker()
        seen = self.browse(worker, "connection stays lost")
        self.assertEqual((seen["notice"]["title"], seen["notice"]["buttons"]), ("The connection was lost", ["Call again"]))
        self.assertTrue(3 <= seen["offers"] <= 12, seen["offers"])
        self.assertTrue(15 < seen["gaveUpAfter"] < 30, seen["gaveUpAfter"])
        self.assertEqual(seen["ending"], "You hung up")
        self.stops_clean(worker)

    def test_call_without_a_free_slot_says_why_and_is_tried_again_when_asked(self):
        worker = self.worker("--slots", "1")
        seen = self.browse(worker, "all slots taken")
        self.assertEqual(seen["notice"], {"title": "Nobody is free just now", "text": "All slots are taken (1).", "buttons": ["Keep trying"]})
        self.assertEqual(seen["counting"]["buttons"], ["Stop trying"])
        self.assertEqual(seen["announced"], "All slots are taken (1). Trying again", "not every second anew")
        self.assertTrue(seen["served"])
        self.stops_clean(worker)

    def test_worker_that_cannot_be_reached_can_be_tried_again(self):
        worker = self.worker()
        seen = self.browse(worker, "unreachable")
        self.assertEqual((seen["notice"]["title"], seen["notice"]["buttons"]), ("The agent cannot be reached", ["Try again"]))
        self.assertEqual(seen["ending"], "You hung up")
        self.stops_clean(worker)

    def test_call_refused_by_the_agent_says_its_words(self):
        worker = self.worker()
        seen = self.browse(worker, "refused by the agent")
        self.assertEqual(seen["notice"], {"title": "The call was not taken", "text": "This number is not served.", "buttons": ["Call again"]})
        self.stops_clean(worker)

    def test_refused_microphone_is_explained_and_works_once_it_is_allowed(self):
        worker = self.worker()
        seen = self.browse(worker, "microphone refused")
        self.assertEqual((seen["notice"]["title"], seen["notice"]["buttons"]), ("The microphone was refused", ["Try again"]))
        self.assertEqual(seen["ending"], "You hung up")
        self.stops_clean(worker)

    def test_microphone_that_is_missing_or_taken_is_told_apart(self):
        worker = self.worker()
        seen = self.browse(worker, "microphones that cannot be had")
        self.assertEqual([notice["title"] for notice in seen["notices"]], ["No microphone was found", "The microphone is taken"])
        self.assertEqual([notice["buttons"] for notice in seen["notices"]], [["Try again"]] * 2)
        self.stops_clean(worker)

    def test_address_that_gets_no_microphone_says_which_would(self):
        worker = self.worker("--host-name", "parley.test")
        seen = self.browse(worker, "insecure address")
        self.assertEqual(seen["notice"]["title"], "This page may not use the microphone")
        self.assertIn("https://", seen["notice"]["text"])
        self.assertEqual(seen["state"], "Ready")
        self.stops_clean(worker)

    def test_another_microphone_is_taken_in_the_middle_of_a_call_and_remembered(self):
        worker = self.worker()
        seen = self.browse(worker, "another microphone")
        self.assertTrue(seen["kept"])
        self.assertEqual(len(list((worker.state / "calls").glob("CA_*"))), 1)
        self.stops_clean(worker)

    def test_microphone_unplugged_and_plugged_in_again_is_heard_in_the_same_call(self):
        worker = self.worker()
        seen = self.browse(worker, "microphone unplugged")
        self.assertEqual([seen[when]["title"] for when in ("notice", "still")], ["No microphone was found", "The microphone is taken"])
        self.assertEqual([seen[when]["buttons"] for when in ("notice", "still")], [["Try again"]] * 2)
        self.assertEqual(seen["sends"], ["live"], "on the connection that there was")
        self.assertEqual((seen["ending"], seen["afterwards"]), ("You hung up", False))
        self.stops_clean(worker)

    def test_call_hung_up_before_it_is_placed_keeps_no_other_from_calling(self):
        worker = self.worker()
        seen = self.browse(worker, "hang up at once")
        self.assertEqual((seen["held"], seen["heldInCall"], seen["heldAfterwards"]), (0, 1, 0))
        self.assertEqual(len(list((worker.state / "calls").glob("CA_*"))), 1)
        self.stops_clean(worker)

    def test_hanging_up_a_call_that_is_over_is_told_as_its_end(self):
        worker = self.worker()
        seen = self.browse(worker, "hang up what is over")
        self.assertEqual(seen["ending"], "You hung up")
        self.assertNotIn("could not be told", seen["words"])
        self.stops_clean(worker)

    def test_agent_that_died_is_said_to_be_gone_and_can_be_called_again(self):
        worker = self.worker()
        seen = self.browse(worker, "agent killed")
        self.assertIn("The agent is gone", seen["words"])
        self.assertIn("signal 9", seen["words"])
        self.assertEqual((seen["again"], seen["ending"]), ("Call again", "You hung up"))
        self.assertEqual(len(list((worker.state / "calls").glob("CA_*"))), 2)

    def test_second_tab_watches_or_takes_the_call_over(self):
        worker = self.worker()
        seen = self.browse(worker, "second tab")
        self.assertEqual(seen["banner"]["title"], "A call is going on in another tab")
        self.assertEqual(seen["banner"]["buttons"], ["Take it over", "Just watch"])
        self.assertEqual((seen["callable"], seen["goesOn"], seen["freeAgain"]), (False, True, True))
        self.assertEqual(seen["first"]["title"], "A call is going on in another tab", "in the tab that had it")
        self.assertEqual(seen["ending"], "You hung up")
        self.assertEqual(len(list((worker.state / "calls").glob("CA_*"))), 1)
        self.assertEqual(worker.record()["ended_by"], "caller")
        self.stops_clean(worker)

    def test_tab_with_the_call_is_closed_and_the_other_can_call(self):
        worker = self.worker()
        self.assertEqual(self.browse(worker, "second tab alone")["ending"], "You hung up")
        self.stops_clean(worker)

    def test_transcript_shows_interim_words_tools_handoffs_trouble_and_what_was_cut(self):
        worker = self.worker()
        seen = self.browse(worker, "everything that happens")
        self.assertEqual([(line["role"], line["text"]) for line in seen["transcript"]][:1], [("user", "A table for four.")])
        self.assertEqual([line["role"] for line in seen["transcript"]],
                         ["user", "tool", "tool", "assistant", "handoff", "trouble", "user"])
        self.assertEqual(seen["transcript"][-1]["text"], "and a bott")
        self.assertNotEqual(*seen["interim"])
        self.assertEqual(seen["cut"], ['"interrupted"'])
        self.assertEqual(seen["parts"], ["answered after 820", "transcript 200", "first token 300", "end of speech 100", "first sentence 100",
                                         "first audio 100", "sent 20"])
        self.assertEqual(seen["inside"], '{"people":4}\n→ booked')
        self.stops_clean(worker)

    def test_ending_that_had_to_be_forced_says_what_and_shows_when(self):
        worker = self.worker()
        seen = self.browse(worker, "rough ending")
        self.assertEqual(seen["ending"], "Something failed on the agent’s side")
        self.assertIn("2 parts did not end by themselves", seen["words"])
        self.assertIn("2 pieces of work after the call", seen["words"])
        self.assertEqual(seen["forced"], ["session/tts/stream had to be forced after 2000 ms", "app/book failed after 3.0 ms: no ink"])
        session, transport = seen["bars"][-2:]
        self.assertAlmostEqual(session[0] + session[1], transport[0], delta=2)
        self.assertAlmostEqual(session[1] / transport[1], 2000 / 340, delta=1)

    def test_events_that_break_off_are_read_on_behind_the_last_whole_one(self):
        worker = self.worker()
        seen = self.browse(worker, "events break off")
        self.assertEqual(seen["asked"], [None, "2", "2"])
        self.assertEqual([line["role"] for line in seen["transcript"]], ["trouble", "assistant"])
        self.assertEqual(seen["ending"], "You hung up")
        self.stops_clean(worker)

    def test_stream_of_events_is_read_alike_wherever_it_is_cut(self):
        done = subprocess.run([NODE, HERE / "events_test.mjs", HERE.parents[1] / "web" / "events.js"], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    cases.run("system_page")
