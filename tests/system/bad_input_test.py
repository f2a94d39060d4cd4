"""Bad input to the whole program: each gets a clear error, and nothing is lost by it.

    bad_input_test.py PARLEY FAULT_AGENT FAULT_CALLER [CASE...]
"""

import pathlib
import sys

import cases

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "faults"))
from caller_cases import Callers  # noqa: E402, F401
from disk_cases import FullDisk  # noqa: E402, F401
from http_cases import Http  # noqa: E402, F401
from start_cases import Start  # noqa: E402, F401

if __name__ == "__main__":
    cases.run("system_bad_input")
