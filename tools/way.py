#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Does docs/way-of-a-connection.md name the tree as it is?

Every file that the page names has to exist, and every .c file of the folders that it covers has
to be named. The page says itself what it covers: <!-- covers: FOLDER... -->, with sub-folders.

A file is named by its path, or by its name alone where its folder is clear. A folder is named with
a slash at its end. It counts for what follows if it stands in text or in the head of a table; in a
row of a table it counts for that row, and for those below whose first cell is empty. A path counts
as the folder of further names in its own line.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = "docs/way-of-a-connection.md"
SPAN = re.compile(r"`([\w./-]+)`")
FILE = re.compile(r".*\w\.(c|h|py|proto)")


class Reader:
    def __init__(self, text):
        self.named, self.covered, self.problems = set(), [], []
        section = row = ""
        lines = text.splitlines()
        for number, line in enumerate(lines, 1):
            if covers := re.match(r"<!-- covers: (.*) -->", line):
                self.covered += covers[1].split()
            in_table = line.startswith("|")
            head = in_table and number < len(lines) and lines[number].startswith("|---")
            if head or not re.match(r"\|\s*\|", line):
                row = ""
            folder = self.read_line(number, line, row or section)
            if in_table and not head:
                row = folder or row
            else:
                section = folder or section

    def read_line(self, number, line, folder):
        """The last folder that the line names by itself, or nothing."""
        last = ""
        for name in SPAN.findall(line):
            if name.endswith("/"):
                self.expect((ROOT / name).is_dir(), number, name)
                last = folder = name
            elif FILE.fullmatch(name):
                path = name if "/" in name else folder + name
                self.expect((ROOT / path).is_file(), number, path)
                self.named.add(path)
                folder = str(Path(path).parent) + "/"
        return last

    def expect(self, exists, number, what):
        if not exists:
            self.problems.append(f"{PAGE}:{number}: there is no {what}")


def sources(folders):
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *folders]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [name for name in names.splitlines() if name.endswith(".c") and (ROOT / name).exists()]


def main():
    page = Reader((ROOT / PAGE).read_text())
    problems = page.problems
    if not page.covered:
        problems.append(f"{PAGE}: does not say what it covers: <!-- covers: FOLDER... -->")
    else:
        problems += [f"{PAGE}: {name} is not named" for name in sources(page.covered)
                     if name not in page.named]
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
