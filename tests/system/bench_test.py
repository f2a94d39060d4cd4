"""`make bench` in small counts, against the real worker and the fake providers: one call of fifteen seconds as from a browser,
then two in rooms of a real LiveKit server."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import cases

sys.path.insert(1, str(pathlib.Path(__file__).resolve().parents[1] / "livekit"))
import livekit_server  # noqa: E402

BENCH, PARLEY, FAKES = sys.argv[1:4]
del sys.argv[1:4]
AGENT = pathlib.Path(__file__).resolve().parents[2] / "bench" / "agent.yaml"
SERVER = livekit_server.installed()
TIMES = ("first_audio_ms", "own_reply_ms", "barge_in_ms", "hangup_to_exit_ms")


def processes_of(binary):
    """Processes of this program that were not there before."""
    found = set()
    for entry in pathlib.Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and os.readlink(entry / "exe") == os.path.realpath(binary):
                found.add(int(entry.name))
        except OSError:
            pass
    return found


def command_line(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


class Bench(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.temporary = self.folder / "tmp"
        self.temporary.mkdir()
        self.before = self.processes()

    def processes(self):
        ours = {pid for pid in processes_of(SERVER) if str(self.temporary) in command_line(pid)}  # it may serve others too
        return processes_of(PARLEY) | processes_of(FAKES) | ours

    def start(self, *arguments):
        return subprocess.Popen(
            [BENCH, "--parley", PARLEY, "--fakes", FAKES, "--agent", AGENT, "--livekit-server", SERVER, "--out", self.folder / "out" / "bench.json", *map(str, arguments)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ | {"TMPDIR": str(self.temporary)})

    def assert_nothing_left(self, told):
        self.assertEqual(self.processes(), self.before, told)
        self.assertEqual(list(self.temporary.iterdir()), [], told)

    def test_every_figure_is_there_and_plausible_and_nothing_is_left_over(self):
        bench = self.start("--calls", 1, "--length", 15, "--rooms", 2, "--room-length", 14)
        told, _ = bench.communicate(timeout=120)
        self.assertEqual(bench.returncode, 0, told)
        self.assert_nothing_left(told)
        rows = {row["name"]: row for row in json.loads((self.folder / "out" / "bench.json").read_text())}
        self.assertEqual(set(rows), {"calls-1", "rooms-2", "idle", "rooms-idle", "control", "setting"})
        self.assertGreater(rows["control"]["frames"], 100)
        for idle in ("idle", "rooms-idle"):
            self.assertTrue(1 < rows[idle]["pss_mb"] < 500, rows)
        self.assert_plausible(rows["calls-1"], 1, TIMES, told)
        self.assert_plausible(rows["rooms-2"], 2, ("track_subscribed_ms", "track_subscribed_since_process_ms", *TIMES, "resume_ms"), told)
        self.assertEqual(rows["rooms-2"]["resume_ms"]["count"], 2, told)
        self.assertEqual(rows["rooms-2"]["missing_frames"], 0, told)
        for word in ("first audio", "own reply", "hang-up", "agent's track", "resume", "2 rooms", "idle worker", "met"):
            self.assertIn(word, told)

    def assert_plausible(self, call, calls, times, told):
        self.assertEqual((call["calls"], call["errors"]), (calls, 0), told)
        self.assertTrue(0.5 < call["pss_mb_per_call"] < 100, call)
        self.assertTrue(0 < call["kernel_mb_per_call"] < 50, call)
        self.assertTrue(0 < call["cpu_cores_per_call"] < 1, call)
        self.assertGreater(call["frames"], 50)
        for name in times:
            if name == "barge_in_ms" and call[name] is None:
                continue  # nobody is interrupted in every ten seconds
            self.assertLessEqual(call[name]["p50"], call[name]["p95"])
            self.assertLessEqual(call[name]["p95"], call[name]["max"])
            self.assertTrue(-20 < call[name]["p50"] < 5000, (name, call))

    def test_interrupted_it_leaves_nothing(self):
        bench = self.start("--calls", 2, "--length", 60)
        deadline = time.monotonic() + 30
        while len(processes_of(PARLEY) - self.before) < 3 and time.monotonic() < deadline:  # supervisor, zygote, a call
            self.assertIsNone(bench.poll())
            time.sleep(0.05)
        bench.send_signal(signal.SIGINT)
        told, _ = bench.communicate(timeout=60)
        self.assertEqual(bench.returncode, 5, told)
        self.assert_nothing_left(told)


if __name__ == "__main__":
    cases.run("system_bench")
