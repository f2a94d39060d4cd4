"""Runs the cases of a test here and leaves a report as GoogleTest does, so that tools/run-tests counts cases, not files."""

import os
import pathlib
import shutil
import sys
import unittest
from xml.sax.saxutils import quoteattr


def need(program):
    """Where `program` is; without it no case can run, and the test fails with a sentence."""
    found = shutil.which(program)
    if not found:
        sys.exit(f"{program} is missing: `make test` installs it")
    return found


class _Result(unittest.TextTestResult):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.outcomes = {}

    def startTest(self, test):
        super().startTest(test)
        self.outcomes[test.id()] = "ok"

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.outcomes[test.id()] = "failed"

    def addError(self, test, err):
        super().addError(test, err)
        self.outcomes[test.id()] = "failed"

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.outcomes[test.id()] = "failed"

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.outcomes[test.id()] = "skipped"


def run(name):
    """Runs the cases of __main__ under `name`, which is that of the test in CMake, and ends the process."""
    loaded = unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"])
    wanted = sys.argv[1:]
    if wanted:
        loaded = unittest.defaultTestLoader.loadTestsFromNames(wanted, sys.modules["__main__"])
    result = unittest.TextTestRunner(resultclass=_Result, verbosity=2).run(loaded)
    folder = os.environ.get("GTEST_OUTPUT", "").removeprefix("xml:")
    if folder.endswith("/"):
        _report(pathlib.Path(folder) / f"test_{name}.xml", result.outcomes)
    sys.exit(0 if result.wasSuccessful() else 1)


def _report(path, outcomes):
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<testsuites>", "<testsuite>"]
    for case, outcome in outcomes.items():
        head = f'<testcase name={quoteattr(case)} status="run" result="{"skipped" if outcome == "skipped" else "completed"}"'
        lines.append(head + (">\n<failure /></testcase>" if outcome == "failed" else " />"))
    path.write_text("\n".join(lines + ["</testsuite>", "</testsuites>", ""]))
