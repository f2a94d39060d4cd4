"""The harness itself: a real server, and two callers of LiveKit's own SDK that hear and call each other."""

import asyncio
import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

HERE = pathlib.Path(__file__).parent
sys.path.insert(1, str(HERE.parent / "system"))

import cases  # noqa: E402
from caller import Caller, rtc  # noqa: E402
from livekit_server import LiveKitServer  # noqa: E402
from sound import RATE_HZ, level, pitch_hz, silence, tone  # noqa: E402


class Server(unittest.TestCase):
    def test_command_finds_the_server_and_its_exit_code_is_the_harness_s(self):
        script = ("import http.client, os, sys; from urllib.parse import urlsplit; "
                  "c = http.client.HTTPConnection(urlsplit(os.environ['LIVEKIT_URL']).netloc, timeout=10); c.request('GET', '/'); "
                  "sys.exit(43 if c.getresponse().status == 200 else 1)")
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run([sys.executable, HERE / "livekit_server.py", "--logs", folder, "--run", sys.executable, "-c", script],
                                  capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 43, done.stderr)

    def test_harness_that_is_killed_leaves_no_server_and_no_command(self):
        with tempfile.TemporaryDirectory() as folder:
            script = "echo $PARLEY_LIVEKIT_PID $$; exec cat"
            harness = subprocess.Popen([sys.executable, HERE / "livekit_server.py", "--logs", folder, "--run", "sh", "-c", script],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            with harness:
                pids = harness.stdout.readline().split()
                harness.kill()
                # The server's log and the command's output are the harness's: both are at their end when their writers are gone.
                harness.stdout.read()
            self.assertEqual(len(pids), 2)
            deadline = time.monotonic() + 10
            while time.monotonic() < deadline and any(running(pid) for pid in pids):
                time.sleep(0.02)
            self.assertEqual([pid for pid in pids if running(pid)], [])

    def test_server_that_was_killed_starts_again_at_the_same_address(self):
        with tempfile.TemporaryDirectory() as folder, LiveKitServer(folder) as server:
            server.api("RoomService", "CreateRoom", name="lobby")
            first = server.process.pid
            server.kill()
            server.start()
            self.assertNotEqual(server.process.pid, first)
            self.assertEqual(server.api("RoomService", "ListRooms").get("rooms", []), [])

    def test_server_that_is_stopped_with_a_caller_in_a_room_ends_in_time(self):
        async def call(server):
            caller = Caller("caller")
            await caller.join(server.url, server.token("caller", room="lobby"))
            began = time.monotonic()
            await asyncio.to_thread(server.stop)
            took = time.monotonic() - began
            await caller.leave()
            return took

        with tempfile.TemporaryDirectory() as folder, LiveKitServer(folder) as server:
            self.assertLess(asyncio.run(call(server)), LiveKitServer.STOP_WITHIN_S)
            self.assertNotEqual(server.process.returncode, -signal.SIGKILL)


def running(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


class Callers(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.server = self.enterContext(LiveKitServer(folder))
        self.folder = pathlib.Path(folder)
        self.callers = []

    async def asyncTearDown(self):
        for caller in self.callers:
            await caller.leave()

    async def caller(self, identity, **options):
        caller = Caller(identity, **options)
        self.callers.append(caller)
        await caller.join(self.server.url, self.server.token(identity, room="lobby"))
        return caller

    async def pair(self):
        ada, ben = await self.caller("ada"), await self.caller("ben")
        await self.meet(ada, ben)
        return ada, ben

    async def meet(self, *callers):
        for caller in callers:
            for other in callers:
                await caller.until(lambda: other is caller or caller.active(other.identity), f"{other.identity}'s data channel")

    async def test_each_hears_what_the_other_says_and_nothing_before_it(self):
        ada, ben = await self.pair()
        await ada.publish()
        await ben.publish()
        for caller, other in ((ada, "ben"), (ben, "ada")):
            await caller.until(lambda: other in caller.heard and len(caller.heard[other].frames) > 20, f"{other}'s silence")
            self.assertFalse(caller.hears(other))
        await asyncio.gather(ada.say(tone(440, 1.5)), ben.say(tone(1000, 1.5)))
        for caller, other, wanted in ((ada, "ben", 1000), (ben, "ada", 440)):
            await caller.until(lambda: caller.hears(other), f"{other}'s voice")
            heard = caller.heard[other]
            await caller.until(lambda: heard.last_loud_at - heard.loud_at > 1.0, "a second of it")
            said = heard.samples(since=heard.loud_at)[: RATE_HZ]
            self.assertAlmostEqual(pitch_hz(said), wanted, delta=20)
        stats = await ada.received()
        self.assertGreater(stats[0].received.packets_received, 50)

    async def test_sound_measures_what_it_made(self):
        self.assertAlmostEqual(pitch_hz(tone(700, 1.0)), 700, delta=2)
        self.assertAlmostEqual(level(tone(700, 1.0, 1000)), 707, delta=5)
        self.assertEqual(level(silence(1.0)), 0)

    async def test_text_arrives_whole_with_its_attributes(self):
        ada, ben = await self.pair()
        await ada.send_text("so long, and thanks" * 1000, topic="lk.chat", attributes={"colour": "blue"})
        text = await ben.until(lambda: next((t for t in ben.texts if t.ended), None), "the text")
        self.assertEqual((text.text, text.topic, text.sender, text.ended), ("so long, and thanks" * 1000, "lk.chat", "ada", "whole"))
        self.assertEqual(text.attributes.get("colour"), "blue")

    async def test_bytes_and_data_packets_arrive(self):
        ada, ben = await self.caller("ada"), await self.caller("ben", byte_topics=("file",))
        await self.meet(ada, ben)
        await ada.send_bytes(bytes(range(256)) * 200, "file")
        await ada.send_data(b"ping", topic="t", to=["ben"])
        stream = await ben.until(lambda: next((b for b in ben.bytes if b.ended), None), "the bytes")
        self.assertEqual((stream.data, stream.ended), (bytes(range(256)) * 200, "whole"))
        await ben.until(lambda: ben.seen("data_received", data=b"ping", topic="t", identity="ada"), "the packet")

    async def test_rpc_is_answered_both_ways_and_an_unknown_method_is_an_error(self):
        ada, ben = await self.pair()
        ada.answer("twice", lambda call: 2 * call.payload)
        ben.answer("who", lambda call: call.caller_identity)
        self.assertEqual(await ben.rpc("ada", "twice", "ha"), "haha")
        self.assertEqual(await ada.rpc("ben", "who"), "ada")
        with self.assertRaises(rtc.RpcError) as caught:
            await ada.rpc("ben", "nothing")
        self.assertEqual(caught.exception.code, rtc.RpcError.ErrorCode.UNSUPPORTED_METHOD)

    async def test_keys_of_the_telephone_arrive_in_their_order(self):
        ada, ben = await self.pair()
        await ada.dtmf("15*#")
        await ben.until(lambda: len(ben.seen("sip_dtmf_received")) == 4, "four keys")
        self.assertEqual("".join(e.digit for e in ben.seen("sip_dtmf_received", identity="ada")), "15*#")

    async def test_who_leaves_is_gone_and_who_is_removed_knows_why(self):
        ada, ben = await self.pair()
        self.assertEqual(self.server.participants("lobby"), ["ada", "ben"])
        await ada.leave()
        await ben.until(lambda: ben.seen("participant_disconnected", identity="ada"), "that ada left")
        self.assertEqual(self.server.participants("lobby"), ["ben"])
        self.server.api("RoomService", "RemoveParticipant", room="lobby", identity="ben")
        await ben.until(lambda: ben.disconnected, "the end")
        self.assertEqual(ben.disconnected, "PARTICIPANT_REMOVED")
        self.assertEqual(self.server.participants("lobby"), [])

    async def test_what_did_not_come_is_named(self):
        ada = await self.caller("ada")
        with self.assertRaisesRegex(AssertionError, "ada: a miracle did not come within 0.1 s"):
            await ada.until(lambda: False, "a miracle", within_s=0.1)

    async def test_process_tells_its_events_obeys_and_leaves_when_its_input_ends(self):
        ben = await self.caller("ben")
        ben.answer("greet", lambda call: f"hello {call.caller_identity}")
        await ben.publish()
        process = await asyncio.create_subprocess_exec(
            sys.executable, HERE / "caller.py", "ada", "lobby", "--record", self.folder,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, env=cases.os.environ | self.server.environment())
        await ben.until(lambda: ben.active("ada"), "ada's data channel", 20)
        process.stdin.write(b'{"rpc": "greet", "to": "ben"}\n')
        await ben.say(tone(600, 1.0))
        process.stdin.close()
        told, _ = await asyncio.wait_for(process.communicate(), 20)
        lines = [json.loads(line) for line in told.splitlines()]
        self.assertEqual(process.returncode, 0)
        self.assertIn("hello ada", [line.get("answer") for line in lines])
        self.assertTrue(any(line["event"] == "track_subscribed" and line["identity"] == "ben" for line in lines), lines)
        await ben.until(lambda: ben.seen("participant_disconnected", identity="ada"), "that ada left")
        self.assertTrue((self.folder / "ben.wav").exists())


if __name__ == "__main__":
    cases.run("livekit_harness")
