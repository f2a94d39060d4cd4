"""An agent in rooms of a real LiveKit server, called by LiveKit's own client in real Chromium."""

import asyncio
import functools
import http.server
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse

from agent_test import AGENT, PARLEY, Agent, cases, speak  # takes its own two arguments
from livekit_server import LiveKitServer

CACHE = pathlib.Path(sys.argv.pop(1))
HERE = pathlib.Path(__file__).resolve().parent


def cached(pattern):
    return next(iter(sorted(CACHE.glob(pattern))), None) or sys.exit(f"{pattern} is missing in {CACHE}: `make test` puts it there")


PLAYWRIGHT, CLIENT = cached("playwright-core-*"), cached("livekit-client-*/livekit-client.umd.js")
NODE, CHROMIUM = cases.need("node"), cases.need("chromium")
FFMPEG = cases.need("ffmpeg")


class FrontEnd(http.server.SimpleHTTPRequestHandler):
    """The page, and the tokens for it: /token?room=...&identity=..., as the front ends' servers have it."""

    def do_GET(self):
        if not self.path.startswith("/token"):
            return super().do_GET()
        query = urllib.parse.urlsplit(self.path).query
        answer = self.server.token_for(**dict(urllib.parse.parse_qsl(query, keep_blank_values=True)))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


class Browser(unittest.TestCase):
    AT_ONCE_MS = 500
    SERVER_WAITS_MS = 30000  # for a participant who may come back

    @classmethod
    def setUpClass(cls):
        # The greeting first: Chromium plays the file from the moment at which the microphone opens.
        folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        speech = speak("What are your opening hours?", folder / "question.wav")
        cls.microphone = folder / "microphone.wav"
        subprocess.run([FFMPEG, "-v", "error", "-y", "-i", speech, "-af", "adelay=7000,apad=pad_dur=30", cls.microphone],
                       check=True, timeout=60)

    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.server = self.enterContext(LiveKitServer(self.folder / "server"))
        self.agent = Agent(self.server, self.folder)
        self.addCleanup(self.agent.end)
        asyncio.run(self.agent.registered())
        self.url = self.front_end()

    def front_end(self):
        pages = self.folder / "pages"
        pages.mkdir()
        for file in (HERE / "browser_page.html", CLIENT):
            shutil.copy(file, pages)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(FrontEnd, directory=pages))
        server.token_for = self.token_for
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return f"http://127.0.0.1:{server.server_port}"

    def parley(self, *arguments):
        done = subprocess.run([PARLEY, *arguments], env=os.environ | self.server.environment(), capture_output=True, timeout=20)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def token_for(self, room, identity, agent=None, **_):
        """A room that is made new gets its agent by the token; into one that lives it is dispatched."""
        lives = self.server.api("RoomService", "ListRooms", names=[room]).get("rooms")
        if agent is not None and lives:
            self.parley("dispatch", "create", "--room", room, "--agent-name", AGENT)
        by_token = ["--agent", AGENT] if agent is not None and not lives else []
        return self.parley("token", "--room", room, "--identity", identity, *by_token, "--json")

    def browse(self, scenario, room):
        what = {"playwright": str(PLAYWRIGHT), "chromium": CHROMIUM, "url": self.url, "room": room, "microphone": str(self.microphone),
                "scenario": scenario}
        done = subprocess.run([NODE, HERE / "browser_test.mjs", json.dumps(what)], capture_output=True, text=True, timeout=150)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr + self.agent.log()[-6000:])
        result = json.loads(done.stdout)
        self.assertEqual(result["errors"], [])
        return result

    def ended(self, room, count=1, within_s=15):
        """The records of the calls that have ended in this room, and when, in ms, the work after each was begun."""
        deadline = time.monotonic() + within_s
        while len(found := [(1000 * at, record) for at, record in self.agent.records() if record["call"]["room"] == room]) < count:
            self.assertLess(time.monotonic(), deadline, f"{len(found)} of {count} have ended:\n{self.agent.log()[-6000:]}")
            time.sleep(0.05)
        self.assertEqual(len(found), count)
        return found

    def nobody_left(self, room):
        self.assertEqual(self.server.participants(room), [])

    def test_question_is_heard_and_answered_as_every_front_end_sees_it(self):
        result = self.browse("ask and leave", "ask")
        seen = result["seen"]
        agent = seen["agent"]
        self.assertEqual((seen["kind"], seen["name"]), ("AGENT", AGENT))
        with self.subTest("its state goes round"):
            states = iter(each["state"] for each in seen["states"])
            for state in ("initializing", "speaking", "listening", "thinking", "speaking", "listening"):
                self.assertIn(state, states, seen["states"])
        with self.subTest("its voice is heard"):
            self.assertTrue(result["voice"]["playing"])
            self.assertFalse(result["voice"]["muted"])
            self.assertGreater(seen["loudest"], 0.05)
            self.assertGreater(result["voice"]["energy"], 0.1)
        with self.subTest("its words come as text streams"):
            lines = [(line["from"], line["text"]) for line in seen["words"] if line["final"] == "true"]
            self.assertEqual([who for who, _ in lines], [agent, "ann", agent])
            self.assertEqual(lines[0][1], "Good evening, Trattoria Roma. How can I help you?")
            self.assertIn("opening hours", lines[1][1])
            self.assertIn("every evening but Monday", lines[2][1])
            self.assertTrue(all(line["track"].startswith("TR_") for line in seen["words"]), seen["words"])
            self.assertGreater(seen["words"][-1]["pieces"], 5, "in step with its voice")
        with self.subTest("the older event says the same"):
            self.assertEqual([(each["from"], each["text"]) for each in seen["segments"] if each["final"]], lines)
            self.assertEqual([each["id"] for each in seen["segments"] if each["final"]],
                             [line["segment"] for line in seen["words"] if line["final"] == "true"])
        [(hooked_at, record)] = self.ended("ask")
        print(f"(work after the call begun {hooked_at - result['leftAt']:.0f} ms after the caller left)", file=sys.stderr)
        self.assertLess(hooked_at - result["leftAt"], self.AT_ONCE_MS)
        self.assertEqual((record["ended_by"], record["reason"]), ("caller", "caller_hung_up"))
        self.assertIn("audio/webm", self.agent.log(), "what the front end had recorded came, and is said to be of no use")
        self.nobody_left("ask")

    def test_typed_question_is_answered_aloud_and_in_words(self):
        seen = self.browse("type", "type")["seen"]
        self.assertEqual(seen["words"][-1]["text"], "There is a car park right across the street, and it is free after six in the evening.")
        self.assertEqual((seen["words"][-1]["from"], seen["words"][-1]["ended"]), (seen["agent"], "whole"))
        self.assertGreater(seen["loudest"], 0.05)
        self.ended("type")
        self.nobody_left("type")

    def test_page_that_is_loaded_anew_ends_its_call_and_another_agent_comes_into_the_same_room(self):
        result = self.browse("reload", "reload")
        self.assertNotEqual(result["first"], result["second"])
        self.assertEqual(result["present"], [result["second"]], "the first has left")
        calls = self.ended("reload", 2)
        self.assertEqual([record["call"]["livekit"]["agent_identity"] for _, record in calls], [result["first"], result["second"]])
        self.assertEqual([record["reason"] for _, record in calls], ["caller_hung_up"] * 2)
        self.assertLess(calls[0][0] - result["reloadedAt"], 2 * self.AT_ONCE_MS)  # the page is asked for first
        self.assertEqual(len({record["call"]["livekit"]["room_sid"] for _, record in calls}), 1)
        self.nobody_left("reload")

    def test_tab_that_is_closed_while_the_agent_speaks_ends_the_call_at_once(self):
        result = self.browse("close the tab", "close")
        [(hooked_at, record)] = self.ended("close")
        took = {"agent gone": result["agentGone"]["at"] - result["endedAt"], "work after the call": hooked_at - result["endedAt"]}
        print(f"(after the tab was closed: {took})", file=sys.stderr)
        self.assertLess(max(took.values()), self.AT_ONCE_MS, took)
        self.assertEqual(record["reason"], "caller_hung_up")
        self.assertTrue(record["transcript"][-1]["interrupted"], record["transcript"])
        self.nobody_left("close")

    def test_tab_that_crashes_is_a_caller_who_is_lost_and_the_call_ends_as_soon_as_the_server_says_so(self):
        result = self.browse("crash", "crash")
        [(hooked_at, record)] = self.ended("crash")
        given_up = result["callerGone"]["at"]
        took = {"agent gone": result["agentGone"]["at"] - given_up, "work after the call": hooked_at - given_up}
        self.assertLess(given_up - result["endedAt"], self.SERVER_WAITS_MS)
        print(f"(after the server had given the caller up: {took})", file=sys.stderr)
        self.assertLess(max(took.values()), self.AT_ONCE_MS, took)
        self.assertEqual((record["ended_by"], record["reason"]), ("caller", "caller_vanished"))
        self.nobody_left("crash")


if __name__ == "__main__":
    cases.run("livekit_browser")
