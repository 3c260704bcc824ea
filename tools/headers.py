#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Does each header compile on its own, whatever was included before it?

  tools/headers.py HEADER... -- COMPILER FLAGS

Where it is the first include of the source file of its name, the build shows that it does. The
others are compiled here.
"""

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def compile_alone(header, compiler):
    text = f'#include "{header}"\n'
    return subprocess.run([*compiler, "-fsyntax-only", "-x", "c", "-"], cwd=ROOT, input=text,
                          capture_output=True, text=True, check=False)


def main():
    end = sys.argv.index("--")
    headers, compiler = sys.argv[1:end], sys.argv[end + 1:]
    alone, failed = [], False
    for header in headers:
        source = (ROOT / header).with_suffix(".c")
        text = source.read_text() if source.exists() else ""
        first = re.search(r'^#include ["<](.*)[">]', text, re.M)
        if not first or first[1] != header:
            alone.append(header)
    with ThreadPoolExecutor() as pool:
        for header, done in zip(alone, pool.map(lambda h: compile_alone(h, compiler), alone)):
            if done.returncode != 0:
                failed = True
                print(f"{header} does not compile on its own:\n{done.stderr}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
