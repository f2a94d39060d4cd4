"""The disk under the journals is full."""

import pathlib
import re
import signal
import subprocess
import tempfile
import time
import unittest
import urllib.request

from fault_tools import PARLEY, AGENT, own_mounts, wait_until, health_port, status_of, healthy, timeline, record_of, with_metadata
from worker import Worker


class WorkerOnSmallDisk(Worker):
    """A worker whose state directory is a small disk of its own, which nobody else sees."""

    def __init__(self, folder, size, namespaces):
        self.real = pathlib.Path(folder) / "state"
        self.real.mkdir()
        wrapper = pathlib.Path(folder) / "wrapper"
        wrapper.write_text(f'#!/bin/sh\nmount -t tmpfs -o size={size} tmpfs {self.real} && exec {AGENT} "$@"\n')
        wrapper.chmod(0o755)
        outer = pathlib.Path(folder) / "outer"
        outer.write_text(f'#!/bin/sh\nexec unshare {namespaces} {wrapper} "$@"\n')
        outer.chmod(0o755)
        super().__init__(outer, folder)
        # As the worker's own processes see it.
        self.state = pathlib.Path(f"/proc/{self.process.pid}/root{self.real}")


class FullDisk(unittest.TestCase):
    """The disk under the journals is full: calls go on, the operator is told, and nothing is passed over in silence."""

    def setUp(self):
        namespaces = own_mounts(self)
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.worker = WorkerOnSmallDisk(folder, "192k", namespaces)
        self.addCleanup(self.worker.end)

    def fill(self):
        with open(self.worker.state / "filler", "ab", buffering=0) as filler:
            try:
                while filler.write(b"x" * 4096):
                    pass
            except OSError:
                pass

    def free(self):
        (self.worker.state / "filler").unlink()

    def place(self, **metadata):
        caller = subprocess.Popen([PARLEY, "call", with_metadata(self.worker, metadata), "--hang-up-after", "60"],
                                  stderr=subprocess.PIPE, text=True)
        self.addCleanup(caller.stderr.close)
        self.addCleanup(caller.wait)
        self.addCleanup(caller.kill)
        for line in caller.stderr:
            if "connected" in line:
                return caller, status_of(self.worker)["calls"][0]["call_id"]
        raise AssertionError("no call: " + self.worker.log())

    def metric(self, name):
        with urllib.request.urlopen(f"http://127.0.0.1:{health_port(self.worker)}/metrics", timeout=10) as answer:
            return float(re.search(rf"^{name} (\S+)$", answer.read().decode(), re.MULTILINE).group(1))

    def logged(self, words, within_s=10):
        wait_until(lambda: re.search(words, self.worker.log()), within_s, lambda: f"the log says {words}: {self.worker.log()}")

    def test_call_goes_on_the_operator_is_told_and_nothing_is_lost_when_space_comes_back(self):
        caller, call = self.place(ask_after=1.5, hang_up_after=100, writes=40)
        self.fill()
        self.logged("the disk under /.* is full: calls go on.*free space there")
        self.logged("the disk under the journals is full .*calls go on.*free space there")
        wait_until(lambda: not healthy(self.worker), 5, "health says so")
        self.assertEqual((status_of(self.worker)["disk"]["full"], self.metric("parley_journal_disk_full")), (True, 1))
        self.assertIsNone(caller.poll())
        self.free()
        self.logged("journals can be written again .*records lost meanwhile: 0")
        self.logged("there is space under /.* again")
        wait_until(lambda: healthy(self.worker), 5, "health says so")
        self.assertEqual(self.metric("parley_journal_disk_full"), 0)
        wait_until(lambda: any(line["type"] == "conversation_item_added" for line in timeline(self.worker, call)), 10, "the question is asked")
        caller.send_signal(signal.SIGINT)
        record = record_of(self.worker, call)
        self.assertEqual((record["outcome"], record["reason"]), ("completed", "caller_hung_up"), record)
        self.assertEqual([item["text"] for item in record["transcript"]], ["Are you still there?"])
        self.assertFalse(any(record["journal"].values()), record)

    def test_call_that_ends_on_a_full_disk_frees_its_slot_and_is_recorded_when_there_is_space(self):
        caller, call = self.place(ask_after=1, hang_up_after=100, writes=40)
        self.fill()
        self.logged(f"the disk under the journals is full .*{call}")
        caller.send_signal(signal.SIGINT)
        wait_until(lambda: status_of(self.worker)["slots"]["in_use"] == 0, 15, lambda: f"the slot is free: {self.worker.log()}")
        self.assertLess(caller.wait(10), 5)
        self.logged("the end of the call is not recorded yet: ")
        self.assertFalse(any(line["type"] == "call.terminal" for line in timeline(self.worker, call)))
        self.assertEqual(status_of(self.worker)["after_call"]["calls"], 1)
        self.free()
        record = record_of(self.worker, call)
        self.assertTrue(any(record["journal"].values()), f"what is missing is said: {record}")
        wait_until(lambda: healthy(self.worker), 5, lambda: f"all is well again: {self.worker.log()}")
        self.assertEqual(self.worker.stop(), 0, self.worker.log())

    def test_call_on_a_disk_that_is_full_already_is_answered_and_the_worker_ends_in_time_all_the_same(self):
        self.fill()
        caller, call = self.place(ask_after=1, hang_up_after=3)
        self.assertLess(caller.wait(30), 5, self.worker.log())
        wait_until(lambda: status_of(self.worker)["slots"]["in_use"] == 0, 15, lambda: f"the slot is free: {self.worker.log()}")
        began = time.monotonic()
        self.assertEqual(self.worker.stop(), 0, self.worker.log())
        self.assertLess(time.monotonic() - began, 15)
        self.logged("some calls have no terminal record yet: the next supervisor writes them")
