"""An agent in rooms of a real LiveKit server: the whole program, called by LiveKit's own SDK."""

import asyncio
import datetime
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

HERE = pathlib.Path(__file__).parent
sys.path.insert(1, str(HERE.parent / "system"))

import cases  # noqa: E402
from caller import Caller  # noqa: E402
from livekit_server import LiveKitServer, die_with_parent  # noqa: E402
from sound import read_wav, silence  # noqa: E402
from worker import speak  # noqa: E402

PARLEY, RECEPTION = sys.argv[1:3]
del sys.argv[1:3]
COUNT = int(os.environ.get("PARLEY_TEST_CALLERS", "20"))
AGENT = "reception"


class Agent:
    """`parley start` registered with a server, whose work after each call leaves a line in a file."""

    START_WITHIN_S = 20
    END_WITHIN_S = 20

    def __init__(self, server, folder):
        self.folder = pathlib.Path(folder)
        self.state = self.folder / "state"
        self.hooks = self.folder / "hooks"
        self.log_path = self.folder / "worker.log"
        for name in ("agent.yaml", "reception.dialogue.yaml"):
            shutil.copy(pathlib.Path(RECEPTION) / name, self.folder)
        command = f"echo $(date +%s.%N) $(cat) >> {self.hooks}"
        with open(self.folder / "agent.yaml", "a") as file:
            file.write(f"\non_end:\n  - command: [/bin/sh, -c, {json.dumps(command)}]\n")
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                [PARLEY, "start", "agent.yaml", "--state-dir", self.state, "--listen", "127.0.0.1:0", "--health-listen", "127.0.0.1:0"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder, env=os.environ | server.environment(),
                preexec_fn=die_with_parent)

    async def registered(self):
        deadline = time.monotonic() + self.START_WITHIN_S
        while "registered worker" not in self.log():
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise AssertionError("the worker did not register:\n" + self.log()[-4000:])
            await asyncio.sleep(0.05)

    def log(self):
        return self.log_path.read_text(errors="replace")

    def records(self):
        """Of the calls whose work after the call was begun: (when, record)."""
        found = []
        for line in self.hooks.read_text().splitlines() if self.hooks.exists() else []:
            at, record = line.split(" ", 1)
            found.append((float(at), json.loads(record)))
        return found

    async def until_record(self, room, within_s=10):
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            for at, record in self.records():
                if record["call"]["room"] == room:
                    return at, record
            await asyncio.sleep(0.01)
        raise AssertionError(f"no work after the call in {room}:\n" + self.log()[-6000:])

    def offered_at(self, room):
        """When the worker began a job in this room; None: never."""
        for line in self.log().splitlines():
            if f'"room":"{room}"' in line and "begins: job" in line:
                return wall(json.loads(line)["ts"])
        return None

    def end(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            if self.process.poll() is None:
                self.process.send_signal(number)
        try:
            self.process.wait(self.END_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError("the worker did not end:\n" + self.log()[-4000:]) from None


def wall(text):
    """An ISO 8601 time of a record, as seconds since 1970."""
    return datetime.datetime.fromisoformat(re.sub(r"Z$", "+00:00", text)).timestamp()


class Rooms(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.server = self.enterContext(LiveKitServer(self.folder / "server"))
        self.agent = Agent(self.server, self.folder)
        self.addCleanup(self.agent.end)
        await self.agent.registered()

    def token(self, identity, room, **claims):
        return self.server.token(identity, room=room, roomConfig={"agents": [{"agentName": AGENT}]}, **claims)

    async def call(self, room, identity="ann", **claims):
        caller = Caller(identity)
        await caller.join(self.server.url, self.token(identity, room, **claims))
        return caller

    def agents_words(self, caller):
        return " ".join(text.text for text in caller.texts if text.topic == "lk.transcription" and text.sender.startswith("agent-"))

    async def agent_here(self, caller):
        return await caller.until(lambda: next((who for who in caller.present() if who.startswith("agent-")), None), "the agent")

    async def until_gone(self, room, identity, within_s):
        deadline = time.monotonic() + within_s
        while identity in self.server.participants(room):
            self.assertLess(time.monotonic(), deadline, f"{identity} is still in {room}:\n" + self.agent.log()[-4000:])
            await asyncio.sleep(0.01)

    async def test_question_is_answered_with_transcripts_and_states_and_a_hang_up_ends_it_at_once(self):
        caller = await self.call("talk")
        await caller.publish()
        agent = await self.agent_here(caller)
        await caller.until(lambda: "How can I help you?" in self.agents_words(caller), "the greeting's words", 20)
        self.assertTrue(caller.hears(agent))
        self.assertEqual(caller.attributes(agent)["lk.agent.name"], AGENT)
        question = read_wav(speak("What are your opening hours?", self.folder / "question.wav"))
        asked_at = time.monotonic()
        await caller.say(question)
        await caller.say(silence(0.5))
        await caller.until(lambda: "every evening but Monday" in self.agents_words(caller), "the answer's words", 30)
        self.assertTrue(caller.hears(agent, since=asked_at))

        users = [text for text in caller.texts if text.topic == "lk.transcription" and text.sender == "ann"]
        self.assertTrue(any("opening hours" in text.text.lower() for text in users), [text.text for text in users])
        self.assertEqual(users[-1].attributes["lk.transcription_final"], "true")
        answer = next(text for text in caller.texts if text.sender == agent and "Monday" in text.text)
        self.assertGreater(len(answer.times), 2, "in pieces, as it is spoken")
        self.assertTrue(answer.attributes["lk.transcribed_track_id"].startswith("TR_"))
        self.assertTrue(caller.seen("transcription_received"), "the legacy packet")
        states = [event.attributes.get("lk.agent.state") for event in caller.seen("participant_attributes_changed", identity=agent)]
        for state in ("listening", "thinking", "speaking"):
            self.assertIn(state, states)

        left_at = time.time()
        await caller.leave()
        await self.until_gone("talk", agent, 1)
        hooked_at, record = await self.agent.until_record("talk")
        print(f"(hooks begun {1000 * (hooked_at - left_at):.0f} ms after the hang-up began)", file=sys.stderr)
        self.assertLess(hooked_at - left_at, 0.5)
        self.assertEqual(record["ended_by"], "caller")
        self.assertEqual(record["reason"], "caller_hung_up")

    async def test_typed_question_is_answered(self):
        caller = await self.call("chat")
        agent = await self.agent_here(caller)
        await caller.until(lambda: caller.active(agent), "the agent's data channel")
        await caller.until(lambda: "Good evening" in self.agents_words(caller), "the greeting's first words", 20)
        await caller.send_text("What are your opening hours?", "lk.chat")
        await caller.until(lambda: "every evening but Monday" in self.agents_words(caller), "the answer's words", 30)
        await caller.leave()

    async def test_agent_that_hangs_up_removes_the_telephone(self):
        caller = await self.call("phone", "sip_+15551", kind="sip", attributes={"sip.phoneNumber": "+15551"})
        agent = await self.agent_here(caller)
        await caller.until(lambda: "How can I help you?" in self.agents_words(caller), "the greeting's words", 20)
        await caller.send_text("Goodbye", "lk.chat")
        await caller.until(lambda: caller.disconnected, "that the telephone is hung up", 30)
        self.assertEqual(caller.disconnected, "PARTICIPANT_REMOVED")
        _, record = await self.agent.until_record("phone")
        self.assertEqual(record["reason"], "agent_hung_up")
        await self.until_gone("phone", agent, 5)

    async def test_room_that_is_deleted_ends_the_call_as_itself(self):
        caller = await self.call("deleted")
        await caller.publish()
        await self.agent_here(caller)
        await caller.until(lambda: "Good evening" in self.agents_words(caller), "the greeting's first words", 20)
        self.server.api("RoomService", "DeleteRoom", room="deleted")
        _, record = await self.agent.until_record("deleted")
        self.assertEqual(record["reason"], "room_closed")
        await caller.leave()

    async def test_callers_who_leave_around_the_agents_join_leave_no_job_and_no_room_made_anew(self):
        seed = random.randrange(1 << 30)
        chosen = random.Random(seed)
        print(f"(seed {seed})", file=sys.stderr)
        rooms, left = {}, {}
        for index in range(COUNT):
            room = f"early-{index}"
            caller = await self.call(room)
            rooms[room] = self.server.api("RoomService", "ListRooms", names=[room])["rooms"][0]["sid"]
            await asyncio.sleep(chosen.uniform(0, 0.5))
            left[room] = time.time()
            await caller.leave()
        late, unseen = {}, {}
        for room, sid in rooms.items():
            offered_at = self.agent.offered_at(room)
            if offered_at is None:
                continue  # nobody was sent there any more
            _, record = await self.agent.until_record(room, 30)
            # Who came and went before the job was offered has left no trace: the server's own departure timeout ends the job.
            (late if left[room] > offered_at else unseen)[room] = wall(record["ended_at"]) - left[room]
            now = self.server.api("RoomService", "ListRooms", names=[room]).get("rooms", [])
            self.assertIn([each["sid"] for each in now], ([], [sid]), room)
        self.assertTrue(late, "no job whose caller was there when it was offered")
        print(f"(jobs: {len(late)}, ended {1000 * max(late.values()):.0f} ms after the caller had left, at most; "
              f"{len(unseen)} of callers gone before the offer)", file=sys.stderr)
        self.assertLess(max(late.values()), 1.0, late)
        self.assertLess(max(unseen.values(), default=0), 25.0, unseen)


if __name__ == "__main__":
    cases.run("livekit_agent")
