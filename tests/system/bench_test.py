"""`make bench` in small counts: one call of fifteen seconds against the real worker and the fake providers."""

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

BENCH, PARLEY, FAKES = sys.argv[1:4]
del sys.argv[1:4]
AGENT = pathlib.Path(__file__).resolve().parents[2] / "bench" / "agent.yaml"
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


class Bench(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.temporary = self.folder / "tmp"
        self.temporary.mkdir()
        self.before = processes_of(PARLEY) | processes_of(FAKES)

    def start(self, *arguments):
        return subprocess.Popen(
            [BENCH, "--parley", PARLEY, "--fakes", FAKES, "--agent", AGENT, "--out", self.folder / "out" / "bench.json", *map(str, arguments)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ | {"TMPDIR": str(self.temporary)})

    def assert_nothing_left(self, told):
        self.assertEqual(processes_of(PARLEY) | processes_of(FAKES), self.before, told)
        self.assertEqual(list(self.temporary.iterdir()), [], told)

    def test_every_figure_is_there_and_plausible_and_nothing_is_left_over(self):
        bench = self.start("--calls", 1, "--length", 15)
        told, _ = bench.communicate(timeout=120)
        self.assertEqual(bench.returncode, 0, told)
        self.assert_nothing_left(told)
        rows = {row["name"]: row for row in json.loads((self.folder / "out" / "bench.json").read_text())}
        self.assertEqual(set(rows), {"calls-1", "idle", "control", "setting"})
        call = rows["calls-1"]
        self.assertEqual((call["calls"], call["errors"]), (1, 0), told)
        self.assertTrue(1 < rows["idle"]["pss_mb"] < 500, rows)
        self.assertTrue(0.5 < call["pss_mb_per_call"] < 100, call)
        self.assertTrue(0 < call["kernel_mb_per_call"] < 50, call)
        self.assertTrue(0 < call["cpu_cores_per_call"] < 1, call)
        self.assertGreater(call["frames"], 50)
        self.assertGreater(rows["control"]["frames"], 100)
        for name in TIMES:
            if name == "barge_in_ms" and call[name] is None:
                continue  # nobody is interrupted in every ten seconds
            self.assertLessEqual(call[name]["p50"], call[name]["p95"])
            self.assertLessEqual(call[name]["p95"], call[name]["max"])
            self.assertTrue(-20 < call[name]["p50"] < 5000, (name, call))
        for word in ("first audio", "own reply", "hang-up", "idle worker", "met"):
            self.assertIn(word, told)

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
