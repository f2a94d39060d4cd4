"""What the image of the container holds, against the program that was built; and its health check against a server."""

import http.server
import pathlib
import re
import subprocess
import sys
import threading
import unittest

SOURCE, PARLEY = map(pathlib.Path, sys.argv[1:3])
del sys.argv[1:3]

# Of every Debian; no library.
NOT_LINKED = {"ca-certificates"}
ALWAYS_THERE = {"libc6"}


def packages_of(libraries):
    found = set()
    for library in libraries:
        for name in (str(library), str(library.resolve()), str(library).removeprefix("/usr"), str(library.resolve()).removeprefix("/usr")):
            owner = subprocess.run(["dpkg-query", "-S", name], capture_output=True, text=True, check=False)
            if owner.returncode == 0:
                found.add(owner.stdout.split(":")[0])
                break
        else:
            raise AssertionError(f"{library} is of no package")
    return found


class Image(unittest.TestCase):
    def test_packages_of_the_image_are_those_that_the_program_is_linked_with(self):
        if not pathlib.Path("/etc/debian_version").exists():
            self.skipTest("this is not Debian")
        lines = subprocess.run(["ldd", PARLEY], capture_output=True, text=True, check=True).stdout.splitlines()
        libraries = [pathlib.Path(m[1]) for line in lines if (m := re.search(r"=> (/\S+)", line))]
        own = {"libonnxruntime.so", "libsherpa-onnx-c-api.so"}  # installed beside the program
        needed = packages_of(library for library in libraries if library.name not in own)
        listed = {line.split()[1] for line in (SOURCE / "tools/setup/debian.list").read_text().splitlines() if line.startswith("image ")}
        self.assertEqual(listed - NOT_LINKED, needed - ALWAYS_THERE)


class HealthCheck(unittest.TestCase):
    def ask(self, port, *arguments):
        return subprocess.run([SOURCE / "packaging/healthcheck", str(port), *arguments], capture_output=True, timeout=20, check=False).returncode

    def serve(self, status):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(status if self.path == "/healthz" else 404)
                self.end_headers()

            def log_message(self, *_):
                pass

        server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server.server_port

    def test_worker_that_takes_calls_is_well(self):
        self.assertEqual(self.ask(self.serve(200)), 0)

    def test_worker_that_takes_none_is_not(self):
        self.assertNotEqual(self.ask(self.serve(503)), 0)

    def test_no_worker_is_not(self):
        server = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
        port = server.server_port
        server.server_close()
        self.assertNotEqual(self.ask(port), 0)


if __name__ == "__main__":
    unittest.main()
