"""Whole calls with the real program, by its own caller: speech in, speech out, over WebRTC on loopback."""

import array
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest
import wave

import cases
from worker import FFMPEG, Worker, speak

PARLEY, RECEPTION, HEAR = sys.argv[1:4]
del sys.argv[1:4]
KEPT = pathlib.Path(__file__).resolve().parents[2] / "docs" / "first-call"

HOURS = "We are open every evening but Monday, from five o'clock until half past eleven. The kitchen closes at half past ten."


class Call(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.out = self.folder / "out"

    def worker(self, program=PARLEY, *arguments, **options):
        return self.enterContext(Worker(program, self.folder, *arguments, **options))

    def run_call(self, *arguments, environment=None):
        return subprocess.run([PARLEY, "call", *map(str, arguments)], capture_output=True, text=True, timeout=120, env=environment)

    def say(self, *sentences):
        """The arguments that say these, each as a turn; what is no sentence is passed on as it is."""
        arguments = []
        for number, text in enumerate(sentences):
            arguments += [text] if text.startswith("--") else ["--say", speak(text, self.folder / f"{number}.wav")]
        return arguments

    def call(self, worker, *sentences):
        done = self.run_call(worker.url, *self.say(*sentences), "--out", self.out)
        told = done.stdout + done.stderr + worker.log()
        if (self.out / "transcript.json").exists():
            told += "\n".join(map(str, self.lines()))
        self.assertEqual(done.returncode, 0, told)
        return self.lines()

    def written(self, name):
        return json.loads((self.out / name).read_text())

    def lines(self):
        return self.written("transcript.json")["lines"]

    def said_by(self, lines, role):
        return " ".join(line["text"] for line in lines if line["role"] == role)

    def assert_refused(self, done, code, *words):
        """It ends with `code` and one sentence, which has these words in it."""
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        for word in words:
            self.assertIn(word, done.stdout + done.stderr)
        self.assertFalse((self.out / "transcript.json").exists())

    def test_question_is_heard_and_answered_and_goodbye_ends_the_call(self):
        worker = self.worker()
        lines = self.call(worker, "What are your opening hours?", "No, that is all. Goodbye.", "--agent-hangs-up-within=6")
        self.assertIn("opening hours", self.said_by(lines, "user").lower())
        self.assertIn(HOURS, self.said_by(lines, "assistant"))
        self.check_recording()
        self.check_timings()
        self.assert_heard(self.out / "call.wav", lines, self.written("timings.json"))
        record = worker.record()
        self.assertEqual((record["outcome"], record["ended_by"]), ("completed", "agent"), record)
        self.assertEqual(record["teardown"].get("forced", 0), 0, record)
        self.assertEqual(worker.stop(), 0, worker.log())

    def check_recording(self):
        """Caller left, agent right, each heard where the timings have it speak, and silent where the other speaks."""
        timings = self.written("timings.json")
        with wave.open(str(self.out / "call.wav")) as recording:
            self.assertEqual((recording.getnchannels(), recording.getsampwidth(), recording.getframerate()), (2, 2, 48000))
            samples = array.array("h", recording.readframes(recording.getnframes()))
            length = recording.getnframes() / 48000
        self.assertAlmostEqual(length, timings["lasted"], delta=0.5)

        def loudest(channel, begin, end):
            return max(map(abs, samples[2 * int(begin * 48000) + channel:2 * int(end * 48000):2]))

        caller, agent = 0, 1
        self.assertGreater(loudest(agent, timings["greeting_from"], timings["greeting_to"]), 1000)
        self.assertLess(loudest(caller, timings["greeting_from"], timings["greeting_to"]), 100)
        question = timings["turns"][0]
        self.assertGreater(loudest(caller, question["said_from"], question["said_to"]), 1000)
        self.assertLess(loudest(agent, question["said_from"] + 0.1, question["said_to"]), 100)
        self.assertGreater(loudest(agent, question["answer_from"], question["answer_to"]), 1000)

    def assert_heard(self, recording, lines, timings):
        """The recogniser hears on the agent's channel, where the timings have it speak, what the transcript says."""
        spoken = [(timings["greeting_from"], timings["greeting_to"])]
        spoken += [(turn["answer_from"], turn["answer_to"]) for turn in timings["turns"]]
        said = [line["text"] for line in lines if line["role"] == "assistant"]
        parts = []
        for (begin, end), text in zip(spoken, said, strict=True):
            parts += [f"{begin - 0.1:.2f}", f"{end + 0.2:.2f}", text]
        done = subprocess.run([HEAR, recording, "1", *parts], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        heard = [line.split(" ", 2) for line in done.stdout.splitlines()]
        # The small recogniser spells "Trattoria Roma" anew each time; of another text it would hear nearly no word.
        self.assertLess(sum(int(wrong) for wrong, _, _ in heard) / sum(int(words) for _, words, _ in heard), 0.4, heard)

    def test_recording_kept_in_the_documentation_says_what_its_transcript_says(self):
        wav = self.folder / "call.wav"
        subprocess.run([FFMPEG, "-v", "error", "-i", KEPT / "call.ogg", wav], check=True, timeout=60)
        self.assert_heard(wav, json.loads((KEPT / "transcript.json").read_text())["lines"], json.loads((KEPT / "timings.json").read_text()))

    def check_timings(self):
        timings = self.written("timings.json")
        self.assertTrue(timings["as_scripted"])
        self.assertEqual((timings["deviations"], timings["ended_by"]), ([], "agent"))
        self.assertEqual([turn["say"] for turn in timings["turns"]], ["0.wav", "1.wav"])
        order = [timings["greeting_from"], timings["greeting_to"]]
        for turn in timings["turns"]:
            order += [turn["said_from"], turn["said_to"], turn["answer_from"], turn["answer_to"]]
            self.assertAlmostEqual(turn["answered_after"], turn["answer_from"] - turn["said_to"], places=2)
            self.assertLess(turn["answered_after"], 3)
        self.assertEqual(order, sorted(order))
        self.assertLess(timings["answered_after"] + timings["connected_after"], 5)
        self.assertGreater(timings["media"]["packets_received"], 300)
        self.assertEqual(timings["media"]["packets_lost"], 0)

    def test_example_books_a_table_and_its_work_after_the_call_is_done_once(self):
        worker = self.worker(RECEPTION)
        lines = self.call(worker, "I would like to book a table for four people.", "On Friday.", "At seven in the evening.",
                          "My name is Smith.", "Yes, please.", "No, that is all. Goodbye.", "--agent-hangs-up-within=6")
        self.assertIn("booked", self.said_by(lines, "assistant"), lines)
        worker.record()
        self.assertEqual(worker.stop(), 0, worker.log())
        booked = (self.folder / "bookings.jsonl").read_text().splitlines()
        self.assertEqual(len(booked), 1, booked)
        self.assertEqual(json.loads(booked[0])["booking"]["people"], 4)

    def test_agent_that_is_interrupted_falls_silent_and_remembers_only_what_was_heard(self):
        worker = self.worker()
        lines = self.call(worker, "What are your opening hours?", "--interrupt-at=1.5", "Excuse me, where is your restaurant?")
        cut = [line for line in lines if line.get("interrupted")]
        self.assertEqual([line["role"] for line in cut], ["assistant"], lines)
        self.assertTrue(HOURS.startswith(cut[0]["text"].rstrip(".,")), cut)
        self.assertIn("We are open", cut[0]["text"])
        self.assertNotIn("kitchen", cut[0]["text"])
        self.assertIn("Garden Street", lines[-1]["text"], lines)
        turn = self.written("timings.json")["turns"][1]
        answer = self.written("timings.json")["turns"][0]
        self.assertTrue(turn["interrupted_agent"])
        self.assertAlmostEqual(answer["answer_to"], turn["said_from"] + turn["agent_silent_after"], places=2)
        # Half a second of speech is an interruption; the rest is the way there and back.
        self.assertLess(turn["agent_silent_after"], 1.2)
        self.assertEqual(worker.record()["ended_by"], "caller")
        self.assertEqual(worker.stop(), 0, worker.log())

    def test_agent_that_does_not_hang_up_in_time_is_a_deviation(self):
        worker = self.worker()
        done = self.run_call(worker.url, *self.say("What are your opening hours?"), "--agent-hangs-up-within=1", "--out", self.out)
        self.assertEqual(done.returncode, 4, done.stderr)
        self.assertIn("the agent did not hang up within 1 s", done.stderr)
        timings = self.written("timings.json")
        self.assertEqual(timings["deviations"], ["the agent did not hang up within 1 s"])
        self.assertFalse(timings["as_scripted"])
        self.assertEqual(worker.record()["ended_by"], "caller")
        self.assertEqual(worker.stop(), 0, worker.log())

    def test_recording_that_is_missing_is_named(self):
        done = self.run_call("http://127.0.0.1:1", "--say", self.folder / "no.wav", "--out", self.out)
        self.assert_refused(done, 2, "no.wav")

    def test_recording_that_is_no_wav_is_named_with_what_to_do(self):
        path = self.folder / "notes.wav"
        path.write_text("to be said: hello\n")
        self.assert_refused(self.run_call("http://127.0.0.1:1", "--say", path, "--out", self.out), 2, "notes.wav", "WAV")

    def test_address_without_an_agent_is_named(self):
        done = self.run_call("http://127.0.0.1:1", *self.say("Hello."), "--out", self.out)
        self.assert_refused(done, 3, "127.0.0.1:1")

    def test_address_that_is_none_is_named(self):
        done = self.run_call("127.0.0.1:8080", *self.say("Hello."), "--out", self.out)
        self.assert_refused(done, 2, "127.0.0.1:8080", "http://")

    def test_token_is_asked_for_and_taken_from_the_environment(self):
        token = "a token for this test alone"
        worker = self.worker(token=token)
        hello = self.say("Hello.")
        self.assert_refused(self.run_call(worker.url, *hello, "--out", self.out), 3, "PARLEY_TOKEN")
        done = self.run_call(worker.url, "--hang-up-after=1", "--out", self.out, environment={"PARLEY_TOKEN": token})
        self.assertEqual(done.returncode, 0, done.stderr + worker.log())
        self.assertEqual(worker.record()["ended_by"], "caller")
        self.assertEqual(worker.stop(), 0, worker.log())


if __name__ == "__main__":
    cases.run("system_call")
