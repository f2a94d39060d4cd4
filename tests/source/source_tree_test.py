"""Tests on the source tree itself: what no compiler checks, and every reviewer would."""

import pathlib
import re
import subprocess
import sys
import unittest

ROOT = pathlib.Path(sys.argv.pop()).resolve() if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[2]
CODE = {".hpp", ".cpp", ".h"}


def tracked():
    """The files of the tree: those git tracks where there is a checkout, every file elsewhere."""
    done = subprocess.run(["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"], capture_output=True)
    if done.returncode == 0:
        names = [n for n in done.stdout.decode().split("\0") if n]
        return [p for p in (ROOT / n for n in names) if p.is_file()]
    return [p for p in ROOT.rglob("*") if p.is_file() and "build" not in p.relative_to(ROOT).parts]


FILES = tracked()


def code(*folders):
    for path in FILES:
        name = path.relative_to(ROOT).as_posix()
        if path.suffix in CODE and (not folders or name.startswith(folders)):
            yield name, path.read_text(encoding="utf-8")


def lines_matching(pattern, *folders, allowed=()):
    found = []
    for name, text in code(*folders):
        if allowed and name.startswith(tuple(allowed)):
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if re.search(pattern, line):
                found.append(f"{name}:{number}: {line.strip()}")
    return found


class SourceTree(unittest.TestCase):
    maxDiff = None

    def test_includes_never_climb_out_of_their_folder(self):
        self.assertEqual(lines_matching(r'#include\s+"\.\./'), [])

    def test_libdatachannel_is_included_by_rtc_alone(self):
        self.assertEqual(lines_matching(r"#include\s+<rtc/",
                                        allowed=("src/rtc/",)), [])

    def test_asio_stays_at_the_edge_of_the_loop(self):
        # Beside the layers of the edge, the three files in which a process meets the kernel: signals, pidfds, pipes.
        self.assertEqual(lines_matching(r"#include\s+<boost/(asio|beast)", "include/", "src/", "providers/", "apps/",
                                        allowed=("src/async/", "src/net/", "src/ipc/", "src/job/job_process.cpp",
                                                 "src/worker/supervisor_process.cpp", "src/worker/system_real.cpp")), [])

    def test_public_headers_show_no_asio_type(self):
        self.assertEqual(lines_matching(r"boost::asio|boost/asio|boost::beast", "include/"), [])

    def test_one_file_includes_beast_with_tls(self):
        files = {line.split(":")[0] for line in lines_matching(r"#include\s+<boost/(beast/ssl|asio/ssl|beast/websocket/ssl)")}
        self.assertLessEqual(len([f for f in files if f.endswith(".cpp")]), 1, files)
        self.assertEqual([f for f in files if f.endswith(".hpp")], [])

    def test_tests_do_not_sleep(self):
        self.assertEqual(lines_matching(r"this_thread::sleep|\busleep\(|\bnanosleep\(|[^_\w]sleep\(", "tests/", "sim/"), [])

    def test_headers_are_guarded(self):
        self.assertEqual([name for name, text in code() if name.endswith(".hpp") and "#pragma once" not in text], [])

    def test_nothing_is_left_undone_in_the_code(self):
        self.assertEqual(lines_matching(r"\b(TODO|FIXME|XXX)\b|not implemented", "include/", "src/", "providers/", "apps/", "sim/"), [])

    def test_time_and_randomness_are_passed_in(self):
        pattern = r"steady_clock::now|system_clock::now|std::random_device|\bstd::rand\(|\bmt19937|\btime\(nullptr\)|::time\(0\)"
        self.assertEqual(lines_matching(pattern, "src/", "include/", "providers/", allowed=("src/base/", "src/async/")), [])

    def test_no_task_lambda_captures(self):
        # The captures of a coroutine lambda die with the lambda, not with the frame: pass arguments.
        self.assertEqual(lines_matching(r"\[[^\]\[]+\]\s*\([^()]*\)\s*(mutable\s*)?->\s*Task<", "include/", "src/", "providers/", "apps/"), [])

    def test_no_path_of_one_machine_and_no_registry_host(self):
        # Spelt in parts, so that this file does not find itself.
        paths = re.compile(r"/(work|root)/(main|\.cache|shared)" + r"|/home/[a-z]+/")
        hosts = re.compile(r"(registry\.npm" + r"js|pypi\.or" + r"g|files\.python" + r"hosted|crates\.i" + r"o/|proxy\.golan" + r"g|deb\.debia" + r"n)")
        found = []
        for path in FILES:
            if path.stat().st_size > 2 << 20:
                continue
            try:
                text = path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue
            for number, line in enumerate(text.splitlines(), 1):
                if paths.search(line) or hosts.search(line):
                    found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]}")
        self.assertEqual(found, [])


if __name__ == "__main__":
    unittest.main()
