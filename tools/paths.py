#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Do documents, comments and scripts name only files that are there?

Looks for paths below the folders of the tree (user/plane/stream.c, tests/{bpf,vm}/*) and for bare
names of source files (stream.c), in whatever is in git or about to be.
"""

import itertools
import re
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = "bpf|common|docs|examples|relay|settings|tests|tools|user|vmlinux"
# (a name that make completes, as in fuzz_%, is none)
PATH = re.compile(rf"(?<![\w./}}*$-])((?:{FOLDERS})/[\w./{{}},*@-]*[\w/*}}])(?![\w%])")
NAME = re.compile(r"(?<![\w./*{}%-])([\w-]+\.(?:c|h|py|sh|pml))(?![\w/({*])")
# Made by the build or by the tests, or somebody else's.
ELSEWHERE = re.compile(r"^(settings/dev/(certs|state|directory)\b|user/local\b)|\.pb-c\.[ch]$|\.skel\.h$")
FOREIGN = {"vmlinux.h", "proxy.h", "pan.c"}
SKIPPED = ("vmlinux/", "LICENSE", "settings/")


def tracked():
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [n for n in names.splitlines() if (ROOT / n).is_file()]


def spelled_out(path):
    """{a,b} as the shell has it: one path for each choice. {name} and NAME are any."""
    if not re.search("README|LICENSE|CHANGELOG|CONTRIBUTING|SECURITY", path):
        path = re.sub(r"\b[A-Z]{3,}\b|(?<=_)[A-Z]{3,}\b", "*", path)
    parts = [p[1:-1].split(",") if "," in p else ["*"] if p.startswith("{") else [p]
             for p in re.split(r"(\{[^{}]*\})", path)]
    return ["".join(choice) for choice in itertools.product(*parts)]


def exists(path, files, folders):
    if "*" in path:
        return any(fnmatch(f, path) for f in files) or any(fnmatch(f, path) for f in folders)
    path = path.rstrip("/.")
    # As a program in build/, or a source file without its ending.
    return path in files or path in folders or f"{path}.c" in files or f"{path}.h" in files


def prose(name, text):
    """(number, line) where paths are meant for people, or are run."""
    comment = False
    for number, line in enumerate(text.splitlines(), 1):
        if Path(name).suffix not in (".c", ".h"):
            yield number, line
            continue
        # In C the compiler sees to the includes: what is left are comments.
        begins, ends = line.find("/*"), line.find("*/")
        if comment or begins >= 0 or "//" in line:
            yield number, line
        comment = (comment or begins >= 0) and ends < max(begins, 0)


def main():
    files = tracked()
    folders = {str(p) for f in files for p in Path(f).parents}
    basenames = {Path(f).name for f in files}
    files, bad = set(files), []
    for name in sorted(files):
        if name.startswith(SKIPPED):
            continue
        try:
            text = (ROOT / name).read_text()
        except UnicodeDecodeError:
            continue
        for number, line in prose(name, text):
            for found in PATH.findall(line):
                bad += [f"{name}:{number}: {found}" for path in spelled_out(found)
                        if not ELSEWHERE.search(path) and not exists(path, files, folders)]
            bad += [f"{name}:{number}: {found}" for found in NAME.findall(line)
                    if found not in basenames | FOREIGN and not ELSEWHERE.search(found)]
    for problem in bad:
        print(f"{problem}: there is no such file")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
