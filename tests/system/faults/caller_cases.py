"""Callers and providers that fail in the middle of a call."""

import concurrent.futures
import pathlib
import re
import socket
import subprocess
import tempfile
import time
import unittest

from fake_openai import FakeOpenAi
from fault_tools import (PARLEY, AGENT, CALLER, FAILURE_WORDS, wait_until, sdp, Site, status_of, timeline, record_of,
                         seconds_of_sound, with_metadata)
from worker import Worker


class Callers(unittest.TestCase):
    """Callers and providers that fail in the middle of a call. All of them at once, on one worker; each case looks at one."""

    REJOIN_AND_CLOSE_S = 6  # beside the 10 s of silence

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.worker = Worker(AGENT, cls.folder, "--slots", "40")
        cls.addClassCleanup(cls.worker.end)
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
        cls.lengthy = start(cls.provider_call, {"longest": 3, "greeting": "Hello. " * 8})
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
