"""`parley token` and `parley dispatch` at a real LiveKit server, and what they say to bad input.

    livekit_commands_test.py PARLEY [CASE...]
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import cases

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "livekit"))
from livekit_server import LiveKitServer  # noqa: E402

USAGE, NOT_DONE = 2, 3


class Commands(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(LiveKitServer(cls.enterClassContext(tempfile.TemporaryDirectory())))

    def parley(self, *words, **variables):
        bare = {name: value for name, value in os.environ.items() if not name.startswith("LIVEKIT_")}
        return subprocess.run([PARLEY, *words], capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL,
                              env=bare | self.server.environment() | variables)

    def done(self, *words, **variables):
        done = self.parley(*words, **variables)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)
        return done.stdout.strip()

    def refused(self, code, *words, **variables):
        done = self.parley(*words, **variables)
        self.assertEqual((done.returncode, done.stdout), (code, ""), done)
        lines = [line for line in done.stderr.splitlines() if not line.startswith("Run with --help")]
        self.assertEqual(len(lines), 1, done.stderr)
        return lines[0]

    def test_token_is_taken_by_the_server_for_what_it_grants_and_for_nothing_else(self):
        joins = self.done("token", "--room", "lobby", "--identity", "caller")
        self.assertEqual(self.asked("/rtc/validate?access_token=" + joins)[0], 200)
        self.assertEqual(self.asked("/twirp/livekit.RoomService/ListRooms", joins)[0], 401)
        lists = self.done("token", "--grant", "list", "--valid-for", "1m")
        self.assertEqual(self.asked("/twirp/livekit.RoomService/ListRooms", lists)[0], 200)
        self.assertEqual(self.asked("/twirp/livekit.RoomService/DeleteRoom", lists)[0], 401)

    def test_token_as_json_names_the_server(self):
        answer = json.loads(self.done("token", "--room", "lobby", "--identity", "caller", "--json"))
        self.assertEqual(answer["serverUrl"], self.server.url)
        self.assertEqual(len(answer["participantToken"].split(".")), 3)

    def test_dispatch_is_created_listed_and_deleted(self):
        made = self.done("dispatch", "create", "--room", "hall", "--agent-name", "reception", "--metadata", '{"table": 4}')
        self.assertRegex(made, "^AD_")
        listed = [line for line in self.done("dispatch", "list", "--room", "hall").splitlines() if line.startswith(made)]
        self.assertEqual(len(listed), 1)
        self.assertIn('agent "reception"', listed[0])
        self.assertIn(r'metadata "{\"table\": 4}"', listed[0])
        as_json = json.loads(self.done("dispatch", "list", "--room", "hall", "--json"))
        self.assertIn({"id": made, "agent_name": "reception", "room": "hall", "metadata": '{"table": 4}', "job_ids": []}, as_json)
        self.assertEqual(self.done("dispatch", "delete", "--room", "hall", made), "")
        self.assertIn("not_found", self.refused(NOT_DONE, "dispatch", "delete", "--room", "hall", made))

    def test_no_key(self):
        why = self.refused(USAGE, "token", "--room", "lobby", "--identity", "caller", LIVEKIT_API_KEY="")
        self.assertIn("LIVEKIT_API_KEY (or --api-key) is not set", why)
        why = self.refused(USAGE, "dispatch", "list", "--room", "lobby", LIVEKIT_URL="")
        self.assertIn("LIVEKIT_URL (or --url) is not set", why)

    def test_no_room(self):
        self.assertIn("--room is missing", self.refused(USAGE, "token", "--identity", "caller"))
        self.assertIn("--room is required", self.refused(USAGE, "dispatch", "create", "--agent-name", "reception"))

    def test_wrong_secret(self):
        why = self.refused(NOT_DONE, "dispatch", "list", "--room", "lobby", LIVEKIT_API_SECRET="another-secret-of-at-least-32-chars")
        self.assertIn("does not accept the API key or its secret (LIVEKIT_API_KEY, LIVEKIT_API_SECRET)", why)

    def test_server_that_is_not_there_or_is_none(self):
        self.assertIn("127.0.0.1:1", self.refused(NOT_DONE, "dispatch", "list", "--room", "lobby", LIVEKIT_URL="ws://127.0.0.1:1"))
        self.assertIn("write it as wss://", self.refused(USAGE, "dispatch", "list", "--room", "lobby", LIVEKIT_URL="lk.example"))

    def asked(self, path, token=None):
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"} if token else {}
        return self.server._request("POST" if token else "GET", path, '{"room": "lobby"}' if token else None, headers)


if __name__ == "__main__":
    PARLEY = sys.argv.pop(1)
    cases.run("system_livekit_commands")
