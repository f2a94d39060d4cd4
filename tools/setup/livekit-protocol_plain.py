"""Takes the options of LiveKit's own logger out of a .proto file: they need code that libprotobuf-lite has not.

Arguments: the file, and where to put it. Every other option stays.
"""

import pathlib
import re
import sys

source, target = map(pathlib.Path, sys.argv[1:])
OPTION = r'\(logger\.\w+\)\s*=\s*(?:"[^"]*"|\w+)'


def without_logger(options):
    kept = re.sub(rf"{OPTION}\s*,?\s*", "", options.group(1)).strip().rstrip(",")
    return f" [{kept}]" if kept else ""


text = source.read_text()
text = re.sub(r'^import "logger/options\.proto";\n', "", text, flags=re.MULTILINE)
text = re.sub(rf'\s*\[((?:[^\]"]|"[^"]*")*{OPTION}(?:[^\]"]|"[^"]*")*)\]', without_logger, text)
left = re.search(r".*logger.*", text)
if left:
    sys.exit(f"{source.name}: this is not understood: {left.group().strip()}")
target.write_text(text)
