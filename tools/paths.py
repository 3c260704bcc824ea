#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Does every path that is written down exist?

In pages, comments, scripts and the Makefile: a word that begins with a folder of the project and
ends as a file does has to be a file, and in pages a relative link has to lead somewhere. What is
made when it is needed (build/, certificates) is not looked for; a wildcard, or a name in capitals
that stands for any (test_NAME.c), matches at least one file.
"""

import re
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = "bpf|common|docs|examples|relay|settings|tests|tools|user"
ENDS = "c|h|md|py|sh|txt|yml|json|proto|pml|service"
WORD = re.compile(rf"(?<![\w./$-])(?:{FOLDERS})/[\w./*{{}},-]*\.(?:{ENDS})(?![\w/-])")
LINK = re.compile(r"\]\((?![a-z]+:|#)([^)#\s]+)(?:#[^)]*)?\)")
NOT_TRACKED = ("settings/dev/certs/", "settings/dev/directory/")


def tracked():
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return {name for name in names.splitlines() if (ROOT / name).exists()}


def expand(word):
    """a/{b,c}.d → a/b.d, a/c.d; a/{b}.d is a script's, for whatever b may be."""
    m = re.search(r"\{([^{}]*)\}", word)
    if not m:
        return [word]
    if "," not in m[1]:
        return expand(word[:m.start()] + "*" + word[m.end():])
    return [one for part in m[1].split(",")
            for one in expand(word[:m.start()] + part + word[m.end():])]


def exists(word, files):
    pattern = re.sub(r"(?<=[/_])[A-Z]{2,}(?=[./])", "*", word)
    if "*" in pattern:
        return any(fnmatch(name, pattern) for name in files)
    return word in files


def check(name, files):
    text = (ROOT / name).read_text(errors="replace")
    for number, line in enumerate(text.splitlines(), 1):
        # The compiler looks at includes.
        for word in [] if line.startswith("#include") else WORD.findall(line):
            for one in expand(word):
                if not one.startswith(NOT_TRACKED) and not exists(one, files):
                    yield f"{name}:{number}: there is no {one}"
        for link in LINK.findall(line) if name.endswith(".md") else []:
            if not ((ROOT / name).parent / link).exists():
                yield f"{name}:{number}: the link {link} leads nowhere"


def main():
    files = tracked()
    looked_at = [name for name in sorted(files)
                 if not name.startswith("vmlinux/") and name != "tools/paths.py"
                 and (re.search(rf"\.({ENDS})$", name) or "." not in Path(name).name)]
    problems = [problem for name in looked_at for problem in check(name, files)]
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
