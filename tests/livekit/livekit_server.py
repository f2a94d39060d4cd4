#!/usr/bin/env python3
"""A real livekit-server on free ports of loopback, for as long as a test needs it.

    with LiveKitServer(folder) as server:                 # its log and its configuration are in `folder`
        token = server.token("caller", room="lobby")
        server.api("RoomService", "ListRooms")

    livekit_server.py --logs FOLDER --run COMMAND...       # ends with the command, and with its exit code

The command finds LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET in its environment, and PARLEY_LIVEKIT_SERVER,
PARLEY_LIVEKIT_CONFIG and PARLEY_LIVEKIT_PID: a test may end the server and start it again as it was. Which server:
PARLEY_LIVEKIT_SERVER, or else the one in the cache of `make setup`.
"""

import argparse
import base64
import contextlib
import ctypes
import hashlib
import hmac
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

VERSION = "1.13.5"
FLOOR = "1.9.12"  # the oldest that is tried; `make soak` brings it
PR_SET_PDEATHSIG = 1


def installed(version=VERSION):
    """The server of this version that the set-up has brought."""
    cache = os.environ.get("PARLEY_CACHE") or pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "parley"
    return pathlib.Path(cache) / f"livekit-server-{version}" / "livekit-server"


def die_with_parent():
    """For a child: a test that is killed leaves nothing behind."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def free_ports():
    """Three ports that nobody has at this moment: for HTTP, for ICE over TCP, for UDP."""
    kinds = (socket.SOCK_STREAM, socket.SOCK_STREAM, socket.SOCK_DGRAM)
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket(socket.AF_INET, kind)) for kind in kinds]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def merged(base, over):
    if not isinstance(base, dict) or not isinstance(over, dict):
        return over
    return base | {key: merged(base[key], value) if key in base else value for key, value in over.items()}


class LiveKitServer:
    """One server process. `folder` is the caller's; `config` goes over the configuration below.

    stop() and kill() end it, start() starts it again on the same ports: for a client it is the same server, without a memory.
    """

    START_WITHIN_S = 20
    CALLS_END_WITHIN_S = 0.5
    STOP_WITHIN_S = 10
    ANSWER_WITHIN_S = 10
    TRIES = 4  # a port that was free may be taken by the time that the server wants it

    key = "devkey"
    secret = "a-secret-of-at-least-32-characters"

    def __init__(self, folder, binary=None, config=None):
        self.folder = pathlib.Path(folder)
        self.binary = pathlib.Path(binary or os.environ.get("PARLEY_LIVEKIT_SERVER") or installed())
        self.config_path = self.folder / "livekit-server.yaml"
        self.log_path = self.folder / "livekit-server.log"
        self._config = config or {}
        self.process = None

    def __enter__(self):
        if not self.binary.exists():
            raise AssertionError(f"{self.binary} is missing: `make test` installs it")
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log_path.unlink(missing_ok=True)
        for left in reversed(range(self.TRIES)):
            self._configure(*free_ports())
            try:
                return self.start()
            except AssertionError:
                if not left or "address already in use" not in self.log():
                    raise

    def __exit__(self, *_):
        self.stop()

    def _configure(self, http_port, tcp_port, udp_port):
        self.address = ("127.0.0.1", http_port)
        self.url = f"ws://127.0.0.1:{http_port}"
        self.udp_port = udp_port
        config = {
            "port": http_port,
            "bind_addresses": ["127.0.0.1"],
            "keys": {self.key: self.secret},
            "rtc": {"tcp_port": tcp_port, "udp_port": udp_port, "node_ip": "127.0.0.1", "use_external_ip": False,
                    "enable_loopback_candidate": True, "interfaces": {"includes": ["lo"]}},
            "logging": {"level": "debug", "pion_level": "error"},
        }
        self.config_path.write_text(json.dumps(merged(config, self._config), indent=1))  # JSON is YAML

    def start(self):
        """Returns once the server answers."""
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([self.binary, "--config", self.config_path], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            cwd=self.folder, preexec_fn=die_with_parent)
        deadline = time.monotonic() + self.START_WITHIN_S
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(OSError):
                if self._request("GET", "/")[0] == 200:
                    return self
            time.sleep(0.02)
        self.kill()
        raise AssertionError("livekit-server did not start:\n" + self.log()[-4000:])

    def stop(self):
        """As an operator does who does not wait for the calls: the second signal ends them."""
        for number, within_s in ((signal.SIGTERM, self.CALLS_END_WITHIN_S), (signal.SIGINT, self.STOP_WITHIN_S)):
            if self.process.poll() is None:
                self.process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(within_s)
                return
        self.kill()

    def kill(self):
        """At once, without a word to anybody."""
        self.process.kill()
        self.process.wait()

    def log(self):
        return self.log_path.read_text(errors="replace")

    def environment(self):
        """What a program needs to use this server."""
        return {"LIVEKIT_URL": self.url, "LIVEKIT_API_KEY": self.key, "LIVEKIT_API_SECRET": self.secret,
                "PARLEY_LIVEKIT_SERVER": str(self.binary), "PARLEY_LIVEKIT_CONFIG": str(self.config_path),
                "PARLEY_LIVEKIT_PID": str(self.process.pid)}

    def token(self, identity, room="", grants=None, valid_s=600, **claims):
        """An access token, made here by the standard's rules and by no code of Parley's. `grants` go into its `video` claim."""
        video = {"roomJoin": True, "room": room} | (grants or {}) if room else grants or {}
        now = int(time.time())
        claims = {"iss": self.key, "sub": identity, "nbf": now - 5, "exp": now + valid_s, "video": video} | claims
        signed = b".".join(_base64url(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
        return (signed + b"." + _base64url(hmac.digest(self.secret.encode(), signed, hashlib.sha256))).decode()

    def api(self, service, method, **body):
        """The server's API, for instance api("RoomService", "DeleteRoom", room="lobby"); its answer, or an AssertionError."""
        grants = {"roomCreate": True, "roomList": True, "roomAdmin": True, "room": body.get("room", body.get("name", ""))}
        token = self.token("test", grants=grants, sip={"admin": True, "call": True})
        status, answer = self._request("POST", f"/twirp/livekit.{service}/{method}", json.dumps(body),
                                       {"Authorization": f"Bearer {token}", "Content-Type": "application/json"})
        if status != 200:
            raise AssertionError(f"{service}/{method} is answered with {status}: {answer.decode(errors='replace')}")
        return json.loads(answer)

    def participants(self, room):
        """The identities of who is in the room, as the server says; none when there is no such room."""
        if not self.api("RoomService", "ListRooms", names=[room]).get("rooms"):
            return []
        return sorted(p["identity"] for p in self.api("RoomService", "ListParticipants", room=room).get("participants", []))

    def _request(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection(*self.address, timeout=self.ANSWER_WITHIN_S)
        with contextlib.closing(connection):
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()


def _base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def main():
    parser = argparse.ArgumentParser(description="Runs a command beside a livekit-server of its own.")
    parser.add_argument("--logs", type=pathlib.Path, default=pathlib.Path("livekit"), help="folder of the server's log and configuration")
    parser.add_argument("--server", type=pathlib.Path, help="the server's program")
    parser.add_argument("--config", type=json.loads, default={}, help="JSON over the server's configuration")
    parser.add_argument("--installed", action="version", version=str(installed()), help="tell where the server of the set-up is")
    parser.add_argument("--run", nargs=argparse.REMAINDER, required=True, help="the command, to the end of the line")
    arguments = parser.parse_args()
    try:
        with LiveKitServer(arguments.logs.absolute(), arguments.server, arguments.config) as server:
            done = subprocess.Popen(arguments.run, env=os.environ | server.environment(), preexec_fn=die_with_parent).wait()
    except AssertionError as error:
        sys.exit(str(error))
    if done != 0:
        print(f"(the server's log: {server.log_path})", file=sys.stderr)
    sys.exit(done if done >= 0 else 128 - done)


if __name__ == "__main__":
    main()
