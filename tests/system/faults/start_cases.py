"""Workers that cannot start."""

import pathlib
import shutil
import socket
import subprocess
import tempfile
import unittest

from fault_tools import PARLEY, USAGE, CANNOT_START, ANY_PORTS, models, own_mounts, processes_with, wait_until, healthy
from worker import Worker


class Start(unittest.TestCase):
    """A worker that cannot start says why, once, in a sentence that tells what to do, and leaves nothing behind."""

    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.state = self.folder / "state"

    def refused(self, code, *arguments, ports=ANY_PORTS, command=("dev",), wrap=()):
        state = [] if "--state-dir" in arguments or command != ("dev",) else ["--state-dir", self.state]
        done = subprocess.run([*wrap, PARLEY, *command, *state, *(ports if command == ("dev",) else ()), *arguments],
                              capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertEqual(done.stdout, "")
        lines = [line for line in done.stderr.splitlines() if not line.startswith("Run with --help")]
        self.assertEqual(len(lines), 1, done.stderr)
        wait_until(lambda: not processes_with(str(self.folder)), 5, lambda: f"no process is left: {processes_with(str(self.folder))}")
        return lines[0]

    def taken(self):
        other = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(other.close)
        return f"127.0.0.1:{other.getsockname()[1]}"

    def test_port_of_calls_is_taken(self):
        port = self.taken()
        why = self.refused(CANNOT_START, ports=["--listen", port, "--health-listen", "127.0.0.1:0"])
        self.assertRegex(why, f"cannot listen on {port}: another program uses this port; stop it or choose another.*--listen")

    def test_port_of_health_is_taken(self):
        port = self.taken()
        why = self.refused(CANNOT_START, ports=["--listen", "127.0.0.1:0", "--health-listen", port])
        self.assertRegex(why, f"cannot listen on {port}: another program uses this port; stop it or choose another.*--health-listen")

    def test_both_listen_on_one_port(self):
        free = socket.create_server(("127.0.0.1", 0))
        port = f"127.0.0.1:{free.getsockname()[1]}"
        free.close()
        why = self.refused(CANNOT_START, ports=["--listen", port, "--health-listen", port])
        self.assertIn(f"cannot listen on {port}", why)

    def test_address_is_not_of_this_machine(self):
        why = self.refused(CANNOT_START, "--token", "0123456789abcdef", ports=["--listen", "192.0.2.1:0", "--health-listen", "127.0.0.1:0"])
        self.assertRegex(why, "this machine has no such address; choose one of its own")

    def test_beyond_loopback_needs_a_token(self):
        for address in ("0.0.0.0:0", "[::]:0", "192.0.2.1:8080"):
            why = self.refused(USAGE, ports=["--listen", address, "--health-listen", "127.0.0.1:0"])
            self.assertRegex(why, "without a token.*--token")

    def test_token_that_can_be_guessed(self):
        self.assertRegex(self.refused(USAGE, "--token", "secret"), "the token can be guessed: make it 16 characters or longer")

    def test_addresses_that_are_none(self):
        for option in ("--listen", "--health-listen"):
            for address in ("nonsense", "127.0.0.1", "127.0.0.1:99999", "localhost:8080", ":8080", "127.0.0.1:-1", ""):
                self.assertRegex(self.refused(USAGE, option, address, ports=[]), f'{option} "{address}" is no address and port, as 127.0.0.1:8080')

    def test_other_options_that_mean_nothing(self):
        for arguments, why in ((("--bogus",), "--bogus"), (("--slots", "0"), "--slots"), (("--slots", "many"), "--slots"),
                               (("--udp-ports", "9-3"), "--udp-ports"), (("--udp-ports", "1-99999"), "--udp-ports"),
                               (("--advertise", "calls.example"), "IP address"), (("--udp-address", "here"), "IP address"),
                               (("--log-format", "xml"), "--log-format"), (("--drain-grace", "-1"), "--drain-grace")):
            self.assertIn(why, self.refused(USAGE, *arguments))

    def test_commands_that_are_none(self):
        self.assertRegex(self.refused(USAGE, command=()), "say what to do: dev, start")
        self.assertRegex(self.refused(USAGE, command=("serve",)), "serve")
        self.assertRegex(self.refused(USAGE, command=("init",)), "say what to do: dev, start")

    def test_state_directory_is_a_file(self):
        self.state.write_text("no folder")
        why = self.refused(CANNOT_START)
        self.assertRegex(why, f"the state directory {self.state} cannot be used .*Not a directory.*--state-dir")

    def test_state_directory_cannot_be_written(self):
        namespaces = own_mounts(self)
        self.state.mkdir()
        why = self.refused(CANNOT_START, wrap=["unshare", namespaces, "sh", "-c", f'mount -t tmpfs -o ro tmpfs {self.state} && exec "$@"', "sh"])
        self.assertRegex(why, f"the state directory {self.state} cannot be used .*Read-only file system.*--state-dir")

    def test_state_directory_cannot_be_made(self):
        why = self.refused(CANNOT_START, "--state-dir", "/proc/nowhere/state")
        self.assertRegex(why, "the state directory /proc/nowhere/state cannot be used .*--state-dir")

    def test_state_directory_is_in_use_and_its_worker_goes_on(self):
        worker = Worker(PARLEY, self.folder)
        self.addCleanup(worker.end)
        done = subprocess.run([PARLEY, "dev", "--state-dir", self.state, *ANY_PORTS], capture_output=True, text=True, timeout=20)
        self.assertEqual(done.returncode, CANNOT_START, done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertRegex(done.stderr, f"another supervisor uses {self.state}: stop it, or give this one its own --state-dir")
        self.assertTrue(healthy(worker), worker.log())
        self.assertEqual(worker.stop(), 0, worker.log())

    def test_models_folder_is_missing(self):
        why = self.refused(USAGE, "--models", self.folder / "none")
        self.assertRegex(why, '/none/silero_vad.onnx" cannot be read .*run "make setup"')

    def copied(self, name, damage):
        """The models in a folder of their own, one of them damaged."""
        copy = self.folder / "models"
        shutil.rmtree(copy, ignore_errors=True)
        (copy / "moonshine-tiny-en").mkdir(parents=True)
        for path in models().rglob("*"):
            if path.is_file():
                (copy / path.relative_to(models())).symlink_to(path.resolve())
        whole = (copy / name).read_bytes()
        (copy / name).unlink()
        if damage is not None:
            (copy / name).write_bytes(damage(whole))
        return copy

    def damaged(self, name, damage):
        return self.refused(USAGE, "--models", self.copied(name, damage))

    def test_each_model_file_missing_cut_or_of_another_kind_is_named(self):
        for name in ("silero_vad.onnx", "moonshine-tiny-en/encoder_model.onnx", "moonshine-tiny-en/decoder_model_merged.onnx",
                     "moonshine-tiny-en/tokens.txt"):
            other = models() / ("moonshine-tiny-en/tokens.txt" if name.endswith(".onnx") else "silero_vad.onnx")
            for damage in (None, lambda whole: whole[:len(whole) // 2], lambda whole: b"", lambda whole: other.read_bytes()):
                why = self.damaged(name, damage)
                self.assertIn(name, why)
                self.assertIn('run "make setup"', why)

    def test_recogniser_given_in_the_place_of_another_is_named(self):
        encoder = models() / "moonshine-tiny-en/encoder_model.onnx"
        why = self.damaged("moonshine-tiny-en/decoder_model_merged.onnx", lambda whole: encoder.read_bytes())
        self.assertRegex(why, "decoder_model_merged.onnx.*another model")

    def test_model_that_is_only_found_damaged_when_it_is_loaded_ends_the_worker(self):
        def scratched(whole):
            scratched = bytearray(whole)
            for at in range(1000, len(scratched), len(scratched) // 500):
                scratched[at] ^= 0xff
            return bytes(scratched)

        copy = self.copied("moonshine-tiny-en/encoder_model.onnx", scratched)
        done = subprocess.run([PARLEY, "dev", "--state-dir", self.state, "--models", copy, *ANY_PORTS], capture_output=True, text=True, timeout=30)
        self.assertEqual(done.returncode, CANNOT_START, done.stderr)
        self.assertRegex(done.stderr, f'the speech recogniser in "{copy}.*run "make setup" to get it again')
        self.assertRegex(done.stderr.splitlines()[-1], "cannot start: the inference process cannot use its model")
        wait_until(lambda: not processes_with(str(self.folder)), 5, lambda: f"no process is left: {processes_with(str(self.folder))}")

    def test_caller_without_an_agent_without_a_wav_or_without_a_script(self):
        wav = self.folder / "no.wav"
        wav.write_bytes(b"RIFF\x24\x00\x00\x00WAVEfmt ")
        port = self.taken().split(":")[1]
        self.assertRegex(self.refused(USAGE, "http://127.0.0.1:1", command=("call",)), "nothing to do: give --say")
        self.assertRegex(self.refused(USAGE, "http://127.0.0.1:1", "--say", wav, command=("call",)), "no.wav: ")
        self.assertRegex(self.refused(USAGE, "gopher://127.0.0.1", "--hang-up-after", "1", command=("call",)), "http")
        self.assertRegex(self.refused(CANNOT_START, "http://127.0.0.1:1", "--hang-up-after", "1", command=("call",)), "cannot reach .*refused")
        self.assertRegex(self.refused(CANNOT_START, f"http://127.0.0.1:{port}", "--hang-up-after", "1", command=("call",)), "127.0.0.1")
