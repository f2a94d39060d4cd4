"""The arrows between layers (docs/architecture.md): every pair of layers, and whether one may include the other.

Arguments: a file with one line for each layer, NAME=DIR:DIR:..., the folders in which its files look for headers; and the
compiler. What a layer may see must be in one of these folders. What it must not see does not exist for it: a file that
includes it does not compile, for that reason and no other.
"""

import concurrent.futures
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

COMPILER = sys.argv.pop()
VIEWS = dict(line.split("=", 1) for line in pathlib.Path(sys.argv.pop()).read_text().splitlines())

# A header that only this layer has.
HEADER = {
    "base": "parley/base/result.hpp",
    "async": "parley/async/task.hpp",
    "yaml": "yaml/node.hpp",
    "api": "parley/session.hpp",
    "agent_settings": "agent_file/settings.hpp",
    "agent_file": "agent_file/agent_file.hpp",
    "audio": "audio/opus.hpp",
    "net": "net/http_server.hpp",
    "ipc": "ipc/message.hpp",
    "inference": "ipc/inference_client.hpp",
    "journal": "job/journal.hpp",
    "rtc": "rtc/peer_connection.hpp",
    "session": "session/pipeline_session.hpp",
    "job": "job/job.hpp",
    "mirror": "job/http_mirror.hpp",
    "echo": "job/echo_program.hpp",
    "worker": "worker/supervisor.hpp",
    "worker_http": "worker/http_api.hpp",
    "voice": "voice/voice_program.hpp",
    "caller": "caller/call.hpp",
    "app": "app/serve.hpp",
    "flite": "providers/flite/flite_tts.hpp",
    "moonshine": "providers/moonshine/moonshine_stt.hpp",
    "openai": "providers/openai/openai_llm.hpp",
    "deepgram": "providers/deepgram/deepgram_stt.hpp",
    "scripted": "providers/scripted/scripted_llm.hpp",
    "silero": "providers/silero/silero_vad.hpp",
    "livekit_api": "livekit/api/server_api.hpp",
    "livekit_worker": "livekit/worker/agent_worker.hpp",
    "livekit_room": "livekit/room/room.hpp",
    "livekit_agent": "livekit/agent/room_transport.hpp",
    "libdatachannel": "rtc/rtc.hpp",
}

BASE = {"base", "async"}
API = BASE | {"api"}

# Everything else is wrong.
MAY_SEE = {
    "base": set(),
    "async": {"base"},
    "yaml": {"base"},
    "api": BASE,
    "agent_file": API | {"yaml", "agent_settings"},
    "audio": {"base"},
    "net": BASE,
    "ipc": BASE,
    "inference": BASE | {"ipc"},
    "journal": BASE,
    "rtc": API | {"audio", "libdatachannel"},
    "session": API | {"audio"},
    "job": BASE | {"ipc", "journal"},
    "mirror": BASE | {"journal", "net"},
    "echo": API | {"audio", "rtc", "ipc", "journal"},
    "worker": BASE | {"ipc", "journal", "net", "livekit_api", "livekit_worker"},
    "worker_http": BASE | {"net"},
    "voice": API | {"audio", "rtc", "session", "job", "ipc", "journal", "net", "livekit_api", "livekit_room", "livekit_agent"},
    "caller": API | {"audio", "net", "rtc"},
    "flite": API,
    "moonshine": API,
    "openai": API | {"net"},
    "deepgram": API | {"net"},
    "scripted": API | {"yaml"},
    "silero": API,
    "livekit_api": BASE | {"net"},
    "livekit_worker": BASE | {"net", "livekit_api"},
    "livekit_room": API | {"audio", "net", "rtc"},
    "livekit_agent": API | {"audio", "net", "rtc", "livekit_room", "livekit_api"},
}


# Those that the design names: shown by a file that includes it and does not compile. The others cost too much time one by
# one, and are asked of the compiler all at once.
NAMED = [
    ("base", "async"), ("async", "api"), ("audio", "async"), ("net", "ipc"), ("ipc", "net"), ("api", "session"),
    ("rtc", "session"), ("rtc", "net"), ("session", "rtc"), ("session", "net"), ("session", "job"), ("session", "worker"),
    ("session", "libdatachannel"), ("job", "worker"), ("job", "session"), ("job", "rtc"), ("worker", "rtc"),
    ("worker", "session"), ("worker", "job"), ("worker", "voice"), ("worker", "silero"), ("worker_http", "worker"),
    ("silero", "session"), ("openai", "audio"), ("moonshine", "ipc"), ("caller", "session"),
    ("livekit_api", "livekit_worker"), ("livekit_worker", "worker"), ("livekit_room", "livekit_worker"), ("rtc", "livekit_room"),
    ("livekit_agent", "session"), ("livekit_agent", "job"), ("livekit_agent", "livekit_worker"), ("livekit_room", "livekit_agent"),
]


def compile_in(layer, source):
    """What the compiler says to a file of `layer`."""
    dirs = [f"-I{d}" for d in VIEWS[layer].split(":") if d]
    with tempfile.TemporaryDirectory() as folder:  # beside nothing that could be included
        return subprocess.run([COMPILER, "-std=c++23", "-fsyntax-only", *dirs, "-x", "c++", "-"],
                              input=source, cwd=folder, capture_output=True, text=True)


def everywhere(function, items):
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return [found for found in pool.map(function, items) if found]


def of_the_system():
    """Libraries that are installed in the system: every file finds them, whatever the layers say."""
    def found(library):
        return subprocess.run([COMPILER, "-std=c++23", "-fsyntax-only", "-x", "c++", "-"], capture_output=True, text=True,
                              input=f'#if !__has_include(<{HEADER[library]}>)\n#error none\n#endif\n').returncode == 0

    return {library for library in ("libdatachannel",) if found(library)}


OF_THE_SYSTEM = of_the_system()


def other_layers(layer):
    return [other for other in HEADER if other != layer and other not in MAY_SEE[layer] | OF_THE_SYSTEM]


class Arrows(unittest.TestCase):
    maxDiff = None

    def test_layer_finds_what_it_may_see(self):
        missing = [f"{layer} -> {other}" for layer, others in MAY_SEE.items() if layer in VIEWS
                   for other in (others | {layer}) - OF_THE_SYSTEM
                   if not any(os.path.exists(os.path.join(d, HEADER[other])) for d in VIEWS[layer].split(":"))]
        self.assertEqual(missing, [])

    def test_wrong_arrow_does_not_compile_because_there_is_no_such_file(self):
        def fault(arrow):
            layer, other = arrow
            done = compile_in(layer, f'#include "{HEADER[other]}"\n')
            if done.returncode == 0:
                return f"{layer} sees {other}"
            if f"'{HEADER[other]}' file not found" not in done.stderr:
                return f"{layer} -> {other} fails for another reason: {done.stderr[:300]}"

        self.assertEqual([arrow for arrow in NAMED if arrow[1] in MAY_SEE[arrow[0]]], [])
        self.assertEqual(everywhere(fault, [arrow for arrow in NAMED if arrow[0] in VIEWS and arrow[1] not in OF_THE_SYSTEM]), [])

    def test_for_every_layer_there_is_no_file_of_a_layer_that_it_must_not_see(self):
        def fault(layer):
            source = "".join(f'#if __has_include("{HEADER[other]}")\n#error "{layer} sees {other}"\n#endif\n'
                             for other in other_layers(layer))
            return compile_in(layer, source).stderr

        self.assertEqual(everywhere(fault, [layer for layer in MAY_SEE if layer in VIEWS]), [])


if __name__ == "__main__":
    unittest.main()
