#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Do includes go down only? The allowed arrows between folders are in tools/includes.txt.

Prints the graph as it is, from the bottom up. Fails on an include that no arrow allows, on an
arrow that nothing uses, on a folder that the table does not name, and on a circle of arrows.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TABLE = "tools/includes.txt"
FOLDERS = ("common", "relay", "user", "bpf", "examples")


def read_table():
    """folder → set of folders, and what is wrong with the table."""
    table, problems = {}, []
    for number, line in enumerate((ROOT / TABLE).read_text().splitlines(), 1):
        line = line.split("#")[0].strip()
        if not line:
            continue
        folder, colon, arrows = line.partition(":")
        if not colon or folder in table:
            problems.append(f"{TABLE}:{number}: not 'folder: folders', or named twice: {line}")
            continue
        table[folder] = set(arrows.split())
    for folder, arrows in table.items():
        problems += [f"{TABLE}: {folder} → {to}, which the table does not name"
                     for to in sorted(arrows - table.keys())]
    return table, problems


def read_includes():
    """(folder, folder) → one include that is such an arrow: file, line, header."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *FOLDERS]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    seen = {}
    for name in names.splitlines():
        path = ROOT / name
        if path.suffix not in (".c", ".h") or not path.exists():
            continue
        folder = str(Path(name).parent)
        seen.setdefault((folder, folder), None)
        for number, line in enumerate(path.read_text().splitlines(), 1):
            m = re.match(r'#\s*include "([^"]+)"', line)
            # Generated headers lie where their source does, or beside nothing (skeletons).
            if m and "/" in m[1]:
                seen.setdefault((folder, str(Path(m[1]).parent)), (name, number, m[1]))
    return seen


def layers(table):
    """Folders from the bottom up, a list for each layer; what is left over lies on a circle."""
    left, done, result = dict(table), set(), []
    while True:
        layer = sorted(f for f, arrows in left.items() if arrows <= done)
        if not layer:
            return result, sorted(left)
        result.append(layer)
        done.update(layer)
        for folder in layer:
            del left[folder]


def main():
    table, problems = read_table()
    used = read_includes()
    for (folder, to), where in sorted(used.items()):
        if folder not in table:
            problems.append(f"{folder}: {TABLE} does not name this folder")
        elif to != folder and to not in table[folder]:
            problems.append(f"{where[0]}:{where[1]}: {folder} must not include {where[2]}; "
                            f"turn the dependency round, or add the arrow to {TABLE}")
    for folder, arrows in table.items():
        problems += [f"{TABLE}: {folder} → {to} is not used any more"
                     for to in sorted(arrows) if (folder, to) not in used]
    order, circle = layers(table)
    if circle:
        problems.append(f"{TABLE}: a circle among {', '.join(circle)}")
    for number, layer in enumerate(order):
        for folder in layer:
            print(f"    {number} {folder:<22} {' '.join(sorted(table[folder]))}".rstrip())
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
