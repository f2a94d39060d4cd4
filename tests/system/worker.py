"""A worker under test: the real program on free ports of loopback, with a state directory of its own."""

import json
import os
import pathlib
import re
import signal
import subprocess
import time

from cases import need

FFMPEG = need("ffmpeg")


class Worker:
    START_WITHIN_S = 20
    END_WITHIN_S = 20

    def __init__(self, binary, folder, *arguments, token=None):
        self.folder = pathlib.Path(folder)
        self.state = self.folder / "state"
        self.log_path = self.folder / "worker.log"
        self.binary = binary
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                [binary, "dev", "--state-dir", self.state, "--listen", "127.0.0.1:0", "--health-listen", "127.0.0.1:0", *arguments],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder,
                env=os.environ | ({"PARLEY_TOKEN": token} if token else {}))
        try:
            self.url = self._wait_for_url()
        except BaseException:
            self.end()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def _wait_for_url(self):
        deadline = time.monotonic() + self.START_WITHIN_S
        while time.monotonic() < deadline:
            found = re.search(r"open (http://\S+) in a browser", self.log())
            if found:
                return found.group(1)
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise AssertionError("the worker did not start:\n" + self.log())

    def log(self):
        return self.log_path.read_text(errors="replace")

    def inspect(self):
        """The newest call, as `inspect --json` has it; None before the first."""
        calls = sorted((self.state / "calls").glob("CA_*"), key=lambda p: p.stat().st_mtime)
        if not calls:
            return None
        done = subprocess.run([self.binary, "inspect", calls[-1].name.split(".")[0], "--json", "--state-dir", self.state],
                              capture_output=True, check=True, timeout=20)
        return json.loads(done.stdout)

    def record(self, within_s=15):
        """The terminal record of the newest call, once it is there."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            seen = self.inspect()
            for line in (seen or {}).get("lines", []):
                if line["type"] == "call.terminal":
                    return line["data"]
            time.sleep(0.1)
        raise AssertionError("no terminal record:\n" + json.dumps(seen, indent=1) + self.log())

    def stop(self):
        """Asks it to end, and lets calls finish; the exit code."""
        return self._end(signal.SIGTERM)

    def end(self):
        """For a test that failed as well: nothing of it runs on. The second signal closes the calls at once."""
        self._end(signal.SIGTERM, signal.SIGINT)

    def _end(self, *signals):
        for number in signals:
            if self.process.poll() is None:
                self.process.send_signal(number)
        try:
            return self.process.wait(self.END_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError("the worker did not end:\n" + self.log())


def speak(text, path):
    """A WAV of a synthetic voice, not the agent's, that the local recogniser understands word by word."""
    words = pathlib.Path(path).with_suffix(".txt")
    words.write_text(text)
    subprocess.run([FFMPEG, "-v", "error", "-y", "-f", "lavfi", "-i", f"flite=textfile={words.name}:voice=rms", pathlib.Path(path).name],
                   check=True, timeout=60, cwd=words.parent)
    return path
