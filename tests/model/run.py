#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Checks the model of the hand-over, with all its guards and without each one.

  tests/model/run.py [--deep] [--trace] [PATTERN]

With all guards every reachable state has to be right; with one guard taken
out spin has to find the failure. TAP on the output. PATTERN: only tests whose
name holds it. --deep: more bytes and more stays, some minutes and gigabytes.
--trace: print what led to each failure that was found.
"""

import argparse
import concurrent.futures
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

MODEL = Path(__file__).resolve().with_name("handover.pml")
# Seconds of processor time for one search, of which the longest takes 25: so a busy machine, on which
# it waits for its turn, fails nothing.
LIMIT = 300
DEEP_LIMIT = 3600
CC = os.environ.get("CC", "gcc").split()

# Name, definitions of handover.pml. N bytes; see the top of the model for the others.
HOLDS = [
    ("all guards, spills and repeats", "N=4 STAYS=0"),
    ("all guards, leaving", "N=3 STAYS=1"),
    ("all guards, leaving and coming back", "N=3 STAYS=2 FULL=0 REPEATS=0"),
    # No guard, and it shall stay known that none is needed.
    ("either order of the two stores of an offer", "N=3 STAYS=0 OFFERED_FIRST"),
]
HOLDS_DEEP = [
    ("all guards, spills and repeats, deep", "N=5 STAYS=0 FULL=2"),
    ("all guards, leaving, deep", "N=4 STAYS=1"),
    ("all guards, leaving and coming back, deep", "N=3 STAYS=2 FULL=2"),
]
# Name, definitions, what spin has to find.
DAMAGE = (r"violated \(b==\(taken\+1\)\)"              # a byte lost, doubled or overtaken
          r"|violated \(q_len\(backlog\)==0\)"         # about to be overtaken
          r"|violated \(\(fin_in&&\(taken=="            # a FIN after missing bytes
          r"|violated \(\(first<=copied_seq\)")          # "recvmsg seq # bug"
LOST_EVENT = r"violated \(!q_full\(ring\)\)"
NEEDLESS_RESET = r"violated leaked"
HANGS = r"invalid end state"
FAILS = [
    ("no look at the count of switches", "N=3 STAYS=0 NO_SWITCHES_CHECK", DAMAGE),
    ("the count of switches read before recv()", "N=3 STAYS=0 SWITCHES_BEFORE_RECV", DAMAGE),
    ("no look at the backlog before send()", "N=3 STAYS=0 NO_BACKLOG_CHECK", DAMAGE),
    ("an offer without counting what was received", "N=3 STAYS=0 NO_CAUGHT_UP", DAMAGE),
    ("an offer that counts first and reads `passed` then", "N=3 STAYS=0 PASSED_AFTER_RECEIVED",
     DAMAGE),
    ("an offer before the bytes are delivered", "N=3 STAYS=0 OFFER_BEFORE_DELIVERED", DAMAGE),
    ("an offer while an event is in the ring", "N=4 STAYS=0 FULL=2 REPEATS=0 NO_EVENT_CHECK",
     LOST_EVENT),
    ("a baseline that an acknowledgement makes too low", "N=3 STAYS=0 LOOSE_BASE", DAMAGE),
    ("a baseline that forgets earlier stays", "N=3 STAYS=2 FULL=0 REPEATS=0 NO_KERNEL_BEFORE",
     HANGS),
    ("FIN at once", "N=3 STAYS=0 NO_DRAIN", DAMAGE),
    ("no trimming of what is repeated", "N=3 STAYS=0 NO_TRIM", DAMAGE),
    ("no look for what came before the insert", "N=3 STAYS=0 NO_LOWAT_KICK", HANGS),
    ("leaving without asking the direction back", "N=3 NO_HOLD", DAMAGE),
    ("leaving without the gate", "N=3 NO_GATE", NEEDLESS_RESET),
    ("leaving without a second look at `passed`", "N=3 NO_RECHECK", DAMAGE),
    ("leaving without a look at TCP's own queue", "N=3 NO_QUEUE_CHECK", DAMAGE),
]


def run(command, folder, limit):
    done = subprocess.run(["prlimit", f"--cpu={limit}:{limit + 5}", *command], cwd=folder,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    text = done.stdout.decode(errors="replace")
    if done.returncode == -signal.SIGXCPU:
        text += f"{command[0]}: not done in {limit} s of processor time\n"
    return text


def search(definitions, limit, trace, whole):
    """What pan says about the model with these definitions."""
    flags = [f"-D{d}" for d in definitions.split()]
    with tempfile.TemporaryDirectory(prefix="model.") as folder:
        out = run(["spin", *flags, "-a", MODEL], folder, limit)
        if not Path(folder, "pan.c").exists() or re.search(r"\bError\b", out):
            return out + "spin has not accepted the model\n"
        # Only reachable states matter: every property is an assertion or an end state.
        # Of a search that ends at the first failure the compiler is the longest part.
        out = run([*CC, "-w", "-O2" if whole else "-O0", "-DSAFETY", "-DCOLLAPSE",
                   "-DVECTORSZ=2048", "-o", "pan", "pan.c"], folder, limit)
        if not Path(folder, "pan").exists():
            return out + "the compiler has not accepted the model\n"
        out = run(["./pan", "-m100000", "-w24"], folder, limit)
        if trace and "errors: 1" in out:
            out += run(["spin", *flags, "-k", f"{MODEL.name}.trail", "-t", "-p", "-g", MODEL], folder, limit)
        return out


def judge(output, expected):
    """None, or what is wrong."""
    errors = re.search(r"errors: (\d+)", output)
    if not errors:
        return "the search has not ended"
    if expected is None:
        if errors[1] != "0":
            return "an error was found"
        if re.search(r"search not completed|max search depth too small", output, re.I):
            return "the search is not complete"
        return None
    if errors[1] == "0":
        return "no error was found"
    return None if re.search(expected, output) else "another error was found than the expected"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--deep", action="store_true", help="larger searches as well")
    parser.add_argument("--trace", action="store_true", help="print the ways to the failures")
    parser.add_argument("pattern", nargs="?", default="")
    args = parser.parse_args()

    tests = [(name, definitions, None) for name, definitions in
             HOLDS + (HOLDS_DEEP if args.deep else [])]
    tests += [(f"fails with {name}", definitions, expected)
              for name, definitions, expected in FAILS]
    tests = [t for t in tests if args.pattern in t[0] or args.pattern in t[1]]
    print(f"1..{len(tests)}", flush=True)
    if not shutil.which("spin"):
        for n, (name, _, _) in enumerate(tests, 1):
            print(f"ok {n} {name} # skip spin is not installed: make deps")
        return 0

    failed = False
    # The deep searches need the memory for themselves.
    with concurrent.futures.ThreadPoolExecutor(1 if args.deep else os.cpu_count() or 1) as pool:
        limit = DEEP_LIMIT if args.deep else LIMIT
        outputs = pool.map(lambda t: search(t[1], limit, args.trace, t[2] is None), tests)
        for n, ((name, _, expected), output) in enumerate(zip(tests, outputs), 1):
            wrong = judge(output, expected)
            states = re.search(r"([\d.e+]+) states, stored", output)
            print(f"{'not ' if wrong else ''}ok {n} {name}"
                  f"{f' ({int(float(states[1]))} states)' if states else ''}", flush=True)
            if wrong:
                failed = True
                print(f"# {wrong}")
            if wrong or (args.trace and expected):
                print("".join(f"# {line}\n" for line in output.splitlines()))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
