#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Do the links between pages lead to a file or folder, and to a heading where they name one?"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LINK = re.compile(r"\]\((?![a-z]+:)([^)#\s]*)(?:#([^)]*))?\)")


def pages():
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", "*.md"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in names.splitlines() if (ROOT / name).exists()]


def headings(path):
    """The anchors that a page has, as they are made from its headings."""
    return {re.sub(r"[^\w -]", "", line.lstrip("#").strip().lower()).replace(" ", "-")
            for line in path.read_text().splitlines() if line.startswith("#")}


def check(page):
    for number, line in enumerate(page.read_text().splitlines(), 1):
        for name, anchor in LINK.findall(line):
            target = page.parent / name if name else page
            where = f"{page.relative_to(ROOT)}:{number}"
            if not target.exists():
                yield f"{where}: {name} is not there"
            elif anchor and target.suffix == ".md" and anchor not in headings(target):
                yield f"{where}: {name} has no heading #{anchor}"


def main():
    problems = [problem for page in pages() for problem in check(page)]
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
