#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Does each folder's README.md name the files that it has, and what it may include?

  tools/readmes.py           compares with the folder and with tools/includes.txt
  tools/readmes.py --write   writes the line "May include: …" anew, where the file has one
"""

import re
import sys

from includes import ROOT, read_table

LINE = re.compile(r"^May include: .*$", re.M)
FILE = re.compile(r"`([\w.-]+\.[ch])`")


def wanted(folder, arrows):
    names = ", ".join(f"`{to}`" for to in sorted(arrows))
    return f"May include: {names or 'nothing of the project'}."


def main():
    table, problems = read_table()
    write = sys.argv[1:] == ["--write"]
    for folder, arrows in table.items():
        path = ROOT / folder / "README.md"
        text = path.read_text() if path.exists() else ""
        line = wanted(folder, arrows)
        problems += [f"{folder}/README.md: there is no {name}" for name in FILE.findall(text)
                     if not (path.parent / name).exists()]
        found = LINE.search(text)
        if found and found[0] == line:
            continue
        if found and write:
            path.write_text(LINE.sub(line, text, count=1))
        else:
            problems.append(f"{folder}/README.md: should say \"{line}\"")
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
