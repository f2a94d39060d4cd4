"""Agent files with the program as it is shipped: what is wrong with one, calls that are refused, the work after the call."""

import http.server
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import unittest.mock

import cases
from worker import Worker

PARLEY = sys.argv[1]
del sys.argv[1]
EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples"
USAGE = 2
NO_CALL = 3
SECRET = "the secret of this test"


class Answers:
    """A server that gives every POST the same answer, and keeps what it was told."""

    def __init__(self, status, answer):
        told = self.told = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                body = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class AgentFile(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def write(self, text):
        path = self.folder / "agent.yaml"
        path.write_text("instructions: Be brief.\n" + text)
        return path

    def check(self, path, **environment):
        return subprocess.run([PARLEY, "check", path], capture_output=True, text=True, timeout=20, env=os.environ | environment)

    def call(self, worker, *options):
        return subprocess.run([PARLEY, "call", worker.url, "--hang-up-after=2", *options], capture_output=True, text=True, timeout=60)

    # ---- before any call ----

    def test_all_mistakes_are_told_at_once_with_their_places(self):
        path = self.write("""\
turns: {endpointing: {min: 500}}
tts: {provider: flite, voise: slt}
tools:
  - name: book
    http: {url: "ftp://tools.example", timout: 5s}
  - end_cal
on_end:
  - http: {url: "https://tools.example", signing_secret: "{{env.NOT_THERE}}"}
""")
        checked = self.check(path)
        self.assertEqual((checked.returncode, checked.stdout), (USAGE, ""))
        lines = checked.stderr.splitlines()
        for line, words in [(2, "turns.endpointing.min"), (3, 'did you mean "voice"'), (6, "tools[0].http.url"),
                            (6, 'did you mean "timeout"'), (7, 'did you mean "end_call"'), (9, "NOT_THERE is not in the environment")]:
            self.assertTrue(any(l.startswith(f"{path}:{line}:") and words in l for l in lines), f"{line}: {words}\n{checked.stderr}")
        served = subprocess.run([PARLEY, "dev", path, "--state-dir", self.folder / "state"], capture_output=True, text=True, timeout=20)
        self.assertEqual((served.returncode, served.stderr), (USAGE, checked.stderr), "serving says what checking says")

    def test_examples_are_good(self):
        environment = {name: "http://127.0.0.1:9" if name.endswith("URL") else "a long enough secret"
                       for name in ("OPENAI_API_KEY", "DEEPGRAM_API_KEY", "PRACTICE_URL", "PRACTICE_SECRET", "TOOLS_SECRET")}
        files = sorted(EXAMPLES.glob("*/agent.yaml"))
        self.assertEqual([file.parent.name for file in files], ["http-tools", "reception", "telephone"])
        for file in files:
            checked = self.check(file, **environment)
            self.assertEqual((checked.returncode, checked.stderr), (0, ""), file)
            self.assertIn("is good", checked.stdout)

    # ---- calls that are not taken ----

    def test_call_that_on_call_refuses_is_not_answered_and_the_caller_is_told_why(self):
        with Answers(200, {"refuse": "we are closed on Mondays"}) as server:
            path = self.write(f"on_call: {{url: {server.url}}}\n")
            with Worker(PARLEY, self.folder, path) as worker:
                done = self.call(worker)
                self.assertEqual(done.returncode, NO_CALL, worker.log())
                self.assertIn("403 Forbidden: we are closed on Mondays", done.stderr)
                record = worker.record()
        self.assertEqual((record["reason"], record["ended_by"], record["detail"]), ("refused", "agent", "we are closed on Mondays"))
        self.assertEqual(server.told[0]["call"]["id"], record["call"]["id"])

    def test_call_goes_on_where_on_call_is_not_reached_unless_the_file_says_refuse(self):
        for refuse, code in (("continue", 0), ("refuse", NO_CALL)):
            with self.subTest(refuse), tempfile.TemporaryDirectory() as folder:
                path = self.write(f"on_call: {{url: 'http://127.0.0.1:9', if_unreachable: {refuse}}}\n")
                with Worker(PARLEY, folder, path) as worker:
                    self.assertEqual(self.call(worker).returncode, code, worker.log())

    def test_call_without_what_the_file_needs_is_refused_by_name(self):
        path = self.write('greeting: "Hello {{metadata.name}}, of {{metadata.town | default: \\"Rome\\"}}."\n')
        with Worker(PARLEY, self.folder, path) as worker:
            done = self.call(worker)
            self.assertEqual(done.returncode, NO_CALL, worker.log())
            self.assertIn("metadata.name", done.stderr)
            self.assertNotIn("metadata.town", done.stderr)

    def test_overrides_that_make_no_sense_are_no_answer_and_the_log_says_why(self):
        with Answers(200, {"turns": {"endpointing": {"min": "a moment"}}, "on_end": []}) as server:
            for unreachable, code in (("continue", 0), ("refuse", NO_CALL)):
                with self.subTest(unreachable), tempfile.TemporaryDirectory() as folder:
                    path = self.write(f"on_call: {{url: {server.url}, if_unreachable: {unreachable}}}\n")
                    with Worker(PARLEY, folder, path) as worker:
                        done = self.call(worker)
                        self.assertEqual(done.returncode, code, worker.log())
                        self.assertNotIn("endpointing", done.stderr)
                        self.assertIn("turns.endpointing.min", worker.log())
                        self.assertIn("on_end", worker.log())

    def test_call_without_what_the_address_of_on_call_needs_is_refused_by_name(self):
        path = self.write("on_call: {url: 'http://127.0.0.1:9/{{metadata.tenant}}'}\n")
        with Worker(PARLEY, self.folder, path) as worker:
            done = self.call(worker)
            self.assertEqual(done.returncode, NO_CALL, worker.log())
            self.assertIn("metadata.tenant", done.stderr)
            self.assertIn("on_call is not asked", worker.log())

    # ---- a running worker ----

    def test_edit_of_the_file_reaches_no_process_of_a_running_worker(self):
        path = self.write("greeting: Hello.\n")
        with Worker(PARLEY, self.folder, "--role=supervisor", path) as worker:
            path.write_text("instructions: [broken")
            os.kill(self.zygote_of(worker), signal.SIGKILL)
            deadline = time.monotonic() + 20
            while (done := self.call(worker)).returncode and time.monotonic() < deadline:
                time.sleep(0.2)  # the next zygote is being started
            self.assertEqual(done.returncode, 0, worker.log() + done.stderr)

    @staticmethod
    def zygote_of(worker):
        pid = worker.process.pid
        for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            if b"--role=zygote" in pathlib.Path(f"/proc/{child}/cmdline").read_bytes():
                return int(child)
        raise AssertionError("there is no zygote")

    def test_proxy_that_cannot_be_used_is_told_before_any_call(self):
        path = self.write("greeting: Hello.\n")
        served = subprocess.run([PARLEY, "start", path, "--state-dir", self.folder / "state"], capture_output=True, text=True, timeout=20,
                                env=os.environ | {"https_proxy": "", "HTTPS_PROXY": "not a proxy"})
        self.assertEqual(served.returncode, USAGE)
        self.assertIn("HTTPS_PROXY is no proxy that can be used", served.stderr)

    # ---- hooks ----

    def test_hook_with_variables_of_the_call_in_its_address_is_run(self):
        with Answers(200, {}) as server:
            path = self.write(f"on_end:\n  - http: {{url: '{server.url}/{{{{job.id}}}}?from={{{{sip.phoneNumber | default: \"nobody\"}}}}'}}\ngreeting: Hello.\n")
            with Worker(PARLEY, self.folder, path) as worker:
                self.assertEqual(self.call(worker).returncode, 0, worker.log())
                record = worker.record()
                self.assertEqual([hook["state"] for hook in record["hooks"]], ["done"], worker.log())
        call = server.told[0]["call"]
        self.assertTrue(call["job_id"].startswith("AJ_"))
        self.assertEqual((call["room"], call["participant"], call["sip"]), (None, {"identity": "", "attributes": {}}, {}))

    # ---- the work after the call ----

    def test_command_after_the_call_gets_the_record_once_and_no_secret_reaches_the_log(self):
        told = self.folder / "told.jsonl"
        command = self.folder / "archive"
        command.write_text(f'#!/bin/sh\necho "key $PARLEY_IDEMPOTENCY_KEY, secret $TOOLS_SECRET" >&2\ncat >> {told}\n'
                           f'[ "$(wc -l < {told})" -gt 1 ]\n')  # the first try fails
        command.chmod(0o755)
        path = self.write(f'on_end:\n  - command: [{command}]\nllm: {{provider: openai, model: x, base_url: "http://127.0.0.1:9", '
                          'api_key: "{{env.TOOLS_SECRET}}"}\ngreeting: Hello.\n')
        with unittest.mock.patch.dict(os.environ, {"TOOLS_SECRET": SECRET}), Worker(PARLEY, self.folder, path) as worker:
            self.assertEqual(self.call(worker).returncode, 0, worker.log())
            deadline = time.monotonic() + 20
            while time.monotonic() < deadline and (not told.exists() or told.read_text().count("\n") < 2):
                time.sleep(0.1)
            record = worker.record()
            log = worker.log()
        tries = [json.loads(line) for line in told.read_text().splitlines()]
        self.assertEqual([one["call"]["id"] for one in tries], [record["call"]["id"]] * 2, log)
        self.assertIn(f"key {record['call']['id']}/on_end/1, secret ***", log)
        self.assertNotIn(SECRET, log)


cases.run("system_agent_file")
