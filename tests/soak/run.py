#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Mixed load and random faults through all five processes, for as long as one likes.

  tests/soak/run.py [--build DIR] [--minutes N] [--seed N] [--forwarding PATH,...]

The time is shared by the ways of forwarding, each with processes of its own. What each connection
carries is checked byte by byte; how it may end is in judge.py, what may happen to it in faults.py.
The same seed gives the same load and faults, as far as time allows. As root it runs in a network
namespace of its own. Writes build/soak/summary.md and .json; the last line is "N passed, N failed,
N skipped"; exit status 1 if anything was wrong. SIGINT ends it early, with the summary.
"""

import argparse
import json
import os
import platform
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATHS = ("auto", "sockmap", "splice", "copy")
OWN_NET = "PASSAGE_SOAK_NET"
APART = ("unshare", "--net")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--build", type=Path, default=ROOT / "build", help="where make has built")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--forwarding", default=",".join(PATHS), help="one or more of %(default)s")
    args = parser.parse_args()
    args.forwarding = [path for path in args.forwarding.replace(" ", ",").split(",") if path]
    for path in args.forwarding:
        if path not in PATHS:
            parser.error(f"{path}: no such way of forwarding; there are {', '.join(PATHS)}")
    if args.minutes <= 0 or not args.forwarding:
        parser.error("there is nothing to do")
    return args


def enter_own_net():
    """True in a namespace of our own, where we may reset others' sockets and lose packets."""
    if os.environ.get(OWN_NET) == "1":
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        # Sockets of killed processes wait this long for a FIN that may never come.
        Path("/proc/sys/net/ipv4/tcp_fin_timeout").write_text("5")
        return True
    if os.geteuid() == 0 and subprocess.run([*APART, "true"], check=False,
                                            stderr=subprocess.DEVNULL).returncode == 0:
        os.environ[OWN_NET] = "1"
        os.execvp(APART[0], [*APART, sys.executable, *sys.argv])
    print("without a network namespace of its own: no resets of sockets, no loss on the wire")
    return False


def main():
    args = arguments()
    own_net = enter_own_net()
    build = args.build if args.build.is_absolute() else ROOT / args.build
    os.environ["PASSAGE_BIN"] = str(build / "bin")
    sys.dont_write_bytecode = True
    sys.path[:0] = [str(ROOT / "tests" / part) for part in ("e2e", "vm")]
    import guest
    import leg
    import summary
    import watch

    stop = threading.Event()
    for sig in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sig, lambda *_: stop.set())
    begin = time.monotonic()

    def log(text):
        print(f"{time.monotonic() - begin:7.1f} {text}", flush=True)

    log(f"seed {args.seed}, {args.minutes:g} minutes, {', '.join(args.forwarding)}")
    kernel_log = watch.KernelLog()
    legs = []
    for forwarding in args.forwarding:
        if stop.is_set():
            break
        log(f"=== {forwarding}")
        seconds = args.minutes * 60 / len(args.forwarding)
        legs.append(leg.Leg(build / "soak" / forwarding, forwarding, seconds, args.seed, own_net,
                            stop, log))
        legs[-1].run()
        log(f"{forwarding}: {'clean' if legs[-1].clean() else 'NOT CLEAN'}, "
            f"{dict(legs[-1].counts())}")
        for problem in (legs[-1].ledger.wrong + legs[-1].problems)[:20]:
            log(f"  {problem}")
    data = summary.collect(legs, args.seed, platform.release(),
                           kernel_log.complaints(guest.COMPLAINTS),
                           kernel_log.earlier(guest.COMPLAINTS))
    data["ended_early"] = stop.is_set()
    (build / "soak").mkdir(parents=True, exist_ok=True)
    (build / "soak/summary.json").write_text(json.dumps(data, indent=1) + "\n")
    (build / "soak/summary.md").write_text(summary.markdown(data) + "\n")
    print("\n" + summary.markdown(data) + "\n" + summary.last_line(data))
    return 0 if data["clean"] else 1


if __name__ == "__main__":
    sys.exit(main())
