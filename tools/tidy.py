#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs clang-tidy on source files, and remembers those in which it has found nothing.

  tools/tidy.py FILE... -- COMPILER FLAGS

A file is looked at again when it, a header that it includes, .clang-tidy, clang-tidy itself or the
flags have changed: what a clean one was like is kept in build/lint/tidy. All processors work at
once, and begin with the files that took longest.
"""

import concurrent.futures
import hashlib
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CLEAN = ROOT / "build/lint/tidy"


def text_of(*command):
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def hash_of_all():
    """What a finding depends on whatever the file."""
    return hashlib.sha256((text_of("clang-tidy", "--version") +
                           (ROOT / ".clang-tidy").read_text()).encode()).hexdigest()


def is_ours(path):
    return not os.path.isabs(path) or path.startswith(str(ROOT))


def state_of(source, flags, tools):
    """A hash over what clang-tidy would see of this file; None if it does not compile."""
    done = subprocess.run(["clang", *flags, "-M", "-MT", "x", source], cwd=ROOT, capture_output=True,
                          text=True, check=False)
    if done.returncode != 0:
        return None
    state = hashlib.sha256(" ".join([tools, *flags]).encode())
    for path in re.split(r"\s+", done.stdout.replace("\\\n", " ").strip())[1:]:
        state.update(path.encode())
        if is_ours(path):
            state.update((ROOT / path).read_bytes())
        else:
            info = os.stat(path)
            state.update(f"{info.st_size} {info.st_mtime_ns}".encode())
    return state.hexdigest()


def remembered(source):
    path = CLEAN / (source + ".json")
    return json.loads(path.read_text()) if path.exists() else {"state": "", "seconds": 0}


def remember(source, state, seconds):
    path = CLEAN / (source + ".json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"state": state, "seconds": round(seconds, 2)}))


def check(source, flags, tools):
    """"" if clang-tidy finds nothing, None if it was asked nothing, else what it says."""
    state = state_of(source, flags, tools)
    if state and state == remembered(source)["state"]:
        return None
    begin = time.monotonic()
    done = subprocess.run(["clang-tidy", "--quiet", source, "--", *flags], cwd=ROOT,
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        remember(source, "", time.monotonic() - begin)
        return done.stdout + (done.stderr if "error:" not in done.stdout else "")
    remember(source, state or "", time.monotonic() - begin)
    return ""


def main():
    end = sys.argv.index("--")
    sources, flags = sys.argv[1:end], sys.argv[end + 1:]
    # One that nothing is known of may be the longest.
    sources.sort(key=lambda s: -(remembered(s)["seconds"] or 3600 + os.path.getsize(ROOT / s)))
    tools, failed, asked = hash_of_all(), 0, 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for said in pool.map(lambda s: check(s, flags, tools), sources):
            asked += said is not None
            if said:
                failed += 1
                print(said, flush=True)
    print(f"clang-tidy: {len(sources)} files, {asked} looked at, {failed} with findings")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
