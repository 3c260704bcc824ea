# SPDX-License-Identifier: BSD-2-Clause
"""What became of each connection, and whether a fault excuses it.

A fault excuses in one of these ways, and only connections that lived while it lasted:
  cut    a proxy was killed: every connection may end, cut off anywhere, but no byte may be wrong,
         and none may hang
  new    no notice came through: who had no byte of an answer yet may be refused
  reset  a socket was destroyed: its connection may be reset, and only reset
A proxy that stands still, or a wire that loses packets, excuses nothing.
"""

import json
import re
import threading
from collections import Counter, defaultdict

WRONG_BYTES = re.compile(r"wrong byte|bytes too many|wrong answer|no ClientHello")
ACCEPT_TIMEOUT = 5  # seconds, as the worlds have it


class Item:
    """One connection. Times are those of the monotonic clock."""

    def __init__(self, kind, began, ended, ok, why="", end="", received=0, sent=0, number=0,
                 source=None, what=""):
        self.kind, self.began, self.ended, self.ok = kind, began, ended, ok
        self.why, self.end, self.received, self.sent = why, end, received, sent
        self.number, self.source, self.what = number, source, what

    def __str__(self):
        return (f"{self.kind} {self.number}: {self.end} {self.why} "
                f"(sent {self.sent}, received {self.received}, {self.began:.2f} to "
                f"{self.ended:.2f}) {self.what}")


class Fault:
    def __init__(self, kind, target, excuse, begin):
        self.kind, self.target, self.excuse, self.begin = kind, target, excuse, begin
        self.end = float("inf")  # not over yet
        self.grace = 0  # seconds more for `new`
        self.source = None  # of the connection that was reset; None: anybody's, `credit` of them
        self.credit = 0

    def over(self, now, grace=0):
        self.end, self.grace = now, grace

    def met(self, item, grace=0):
        return item.began < self.end + grace and item.ended > self.begin

    def __str__(self):
        return f"{self.kind} {self.target}, {self.begin:.2f} to {self.end:.2f}"


class Ledger:
    """Of one leg. Connections that went well are only counted."""

    def __init__(self):
        self.lock = threading.Lock()
        self.counts = defaultdict(Counter)  # kind → outcome → how many
        self.bytes = Counter()
        self.failed, self.aborted, self.faults = [], set(), []
        self.latencies = []  # (began, seconds) of short requests
        self.wrong = []

    def add(self, item):
        with self.lock:
            self.bytes[item.kind] += item.sent + item.received
            if not item.ok:
                self.failed.append(item)
            elif item.end == "we-reset":
                self.aborted.add(item.number)
                self.counts[item.kind]["reset as asked"] += 1
            else:
                self.counts[item.kind]["exact"] += 1

    def latency(self, began, seconds):
        with self.lock:
            self.latencies.append((began, seconds))

    def excuse(self, item):
        """The outcome's name, if a fault explains it."""
        if WRONG_BYTES.search(item.why) or item.end == "time-out":
            return None
        for fault in self.faults:
            if fault.excuse == "cut" and fault.met(item):
                return "cut by a kill"
        for fault in self.faults:
            if fault.excuse in ("cut", "new") and fault.met(item, fault.grace) and \
                    not item.received and item.began > fault.begin - ACCEPT_TIMEOUT - 2:
                return "refused"
        if item.end != "reset":
            return None
        resets = [f for f in self.faults if f.excuse == "reset" and f.met(item)]
        if any(f.source and f.source == item.source for f in resets):
            return "reset as asked"
        # A reset is heard of at once: the last of them, not one that the connection outlived.
        anybodys = [f for f in resets if not f.source and f.credit]
        if anybodys:
            max(anybodys, key=lambda f: f.begin).credit -= 1
            return "reset as asked"
        return None

    def judge(self, server_log):
        """After the leg. `server_log`: what the streaming server says of its side's failures."""
        failed = {item.number for item in self.failed if item.number}
        for item in self.failed:
            outcome = self.excuse(item)
            self.counts[item.kind][outcome or "wrong"] += 1
            if not outcome:
                self.wrong.append(str(item))
        for line in server_log.splitlines():
            try:
                said = json.loads(line)
            except ValueError:
                continue
            if said.get("ok", True) or "why" not in said:
                continue
            problem = self._judge_server(said, failed | self.aborted)
            if problem:
                self.counts["server's side"]["wrong"] += 1
                self.wrong.append(f"server's side: {problem}: {line}")
        self.failed.clear()

    def _judge_server(self, said, known):
        """A client that was cut off must not look like one that has ended well."""
        item = Item("server", said["began_us"] / 1e6, said["ended_us"] / 1e6, False, said["why"])
        if WRONG_BYTES.search(item.why):
            return "wrong bytes"
        if any(f.excuse == "cut" and f.met(item) for f in self.faults):
            return None
        if said["end"] == "bad" and "FIN" in item.why:
            return "FIN after missing bytes"
        if said["id"] and said["id"] not in known:
            return "the client says that all is well"
        return None

    def quiet(self):
        """Seconds that short requests took while no fault was under way, nor had just been."""
        return sorted(t for began, t in self.latencies
                      if not any(began < f.end + 2 and began + t > f.begin - 0.1
                                 for f in self.faults))
