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


def without_comments_and_strings(text):
    text = re.sub(r"//[^\n]*|/\*.*?\*/", " ", text, flags=re.S)
    text = re.sub(r'R"(\w*)\(.*?\)\1"', '""', text, flags=re.S)
    text = re.sub(r'"(\\.|[^"\\\n])*"', '""', text)
    text = re.sub(r"(?<![0-9a-fA-F])'(\\.|[^'\\\n])+'", "0", text)
    return re.sub(r"^[ \t]*#.*(?:\\\n.*)*", "", text, flags=re.M)


def types_of_namespaces(text):
    """Qualified names of the types that are defined directly in a named namespace: what another file could define too."""
    found, scopes, begin = set(), [], 0
    text = without_comments_and_strings(text)
    for mark in re.finditer(r"[{};]", text):
        head, begin = text[begin:mark.start()], mark.end()
        if mark.group() == "}":
            if scopes:
                scopes.pop()
        elif mark.group() == "{":
            namespace = re.search(r"\bnamespace(?:\s+([\w:]+))?\s*$", head)
            # "struct A::B" and "struct A<int>" define no new name here.
            definition = re.search(r"\b(?:class|struct|union|enum(?:\s+(?:class|struct))?)\s+(?:\[\[[^]]*\]\]\s*)?(\w+)"
                                   r"(?:\s+final)?(?:\s*:(?!:)[^;{}]*)?\s*$", head)
            if definition and None not in scopes:
                found.add("::".join([*scopes, definition.group(1)]))
            scopes.append((namespace.group(1) or None) if namespace else None)
    return found


class SourceTree(unittest.TestCase):
    maxDiff = None

    def test_includes_never_climb_out_of_their_folder(self):
        self.assertEqual(lines_matching(r'#include\s+"\.\./'), [])

    def test_libdatachannel_is_included_by_rtc_alone(self):
        # And by the test of the library itself, as it is patched, and by the other side of one.
        self.assertEqual(lines_matching(r"#include\s+<rtc/",
                                        allowed=("src/rtc/", "tests/unit/rtc/data_channel_test.cpp", "tests/unit/rtc/sfu_answerer.cpp")), [])

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

    def test_a_name_in_a_namespace_is_one_type(self):
        # Two types of one name in two files of one program are undefined behaviour that no tool reports.
        places = {}
        for name, text in code("include/", "src/", "providers/", "apps/", "sim/", "tests/support/"):
            for type_name in types_of_namespaces(text):
                places.setdefault(type_name, set()).add(name)
        self.assertGreater(len(places), 300)
        self.assertEqual({t: sorted(p) for t, p in places.items() if len(p) > 1}, {})

    def test_the_scan_for_types_sees_what_it_should(self):
        text = '''
            namespace parley { namespace { struct Hidden {}; }
              class Forward; struct A final : B<int>, private C { struct Inner {}; enum E { x }; };
              enum class D : int { a }; template <class T> struct F {}; struct A::Late {}; template <> struct F<int> {};
              void f() { struct Local {}; } // struct Comment {
              namespace net { struct [[nodiscard]] G {}; } constexpr auto s = "struct S {"; auto n = 1'000; union U {}; }'''
        self.assertEqual(types_of_namespaces(text), {f"parley::{n}" for n in ("A", "D", "F", "net::G", "U")})

    def test_parley_can_be_a_folder_of_another_project(self):
        # CMAKE_SOURCE_DIR is that project's: ours is PROJECT_SOURCE_DIR.
        found = [f"{p.relative_to(ROOT)}" for p in FILES if p.name == "CMakeLists.txt" or p.suffix == ".cmake"
                 if re.search(r"\bCMAKE_(SOURCE|BINARY)_DIR\b", p.read_text(encoding="utf-8"))]
        self.assertEqual(found, [])

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
