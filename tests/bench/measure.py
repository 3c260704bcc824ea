# SPDX-License-Identifier: BSD-2-Clause
"""Processor time and memory, of processes and of the whole machine."""

import contextlib
import os
import re
import time
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
CPUS = os.cpu_count()
KTHREADD = 2


def _read(path):
    """A file of /proc; empty when its process has just ended."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(path).read_text()
    return ""


def family(pid):
    """A process and all that it started."""
    found = [pid]
    for task in _tasks(pid):
        for child in _read(f"/proc/{pid}/task/{task}/children").split():
            found += family(int(child))
    return found


def _tasks(pid):
    with contextlib.suppress(FileNotFoundError):
        return os.listdir(f"/proc/{pid}/task")
    return []


def cpu_seconds(pids):
    """Of all threads, to the nanosecond: schedstat's first field is the time on a processor."""
    total = 0
    for pid in pids:
        for task in _tasks(pid):
            fields = _read(f"/proc/{pid}/task/{task}/schedstat").split()
            total += int(fields[0]) if fields else 0
    return total / 1e9


def _machine():
    """Seconds in which processors were not ours to use: idle, or stolen by the host. A tickless
    kernel counts these exactly, other than user and system time, which it samples."""
    fields = [int(f) / TICKS for f in _read("/proc/stat").splitlines()[0].split()[1:]]
    return fields[3] + fields[4] + fields[7]


class Snapshot:
    """`groups`: name → pids."""

    def __init__(self, groups):
        self.idle = _machine()
        self.time = time.monotonic()
        self.groups = {name: cpu_seconds(pids) for name, pids in groups.items()}
        self.kernel = cpu_seconds(family(KTHREADD))

    def since(self, before):
        """Processor seconds: of each group, of kernel threads, of the machine."""
        spent = {name: self.groups[name] - before.groups[name] for name in self.groups}
        spent["kernel"] = self.kernel - before.kernel
        spent["machine"] = (self.time - before.time) * CPUS - (self.idle - before.idle)
        spent["available"] = (self.time - before.time) * CPUS
        return spent


def busy(seconds=1.0):
    """How much of the machine others use, from 0 to 1."""
    before = Snapshot({})
    time.sleep(seconds)
    spent = Snapshot({}).since(before)
    return max(0.0, spent["machine"] / spent["available"])


def memory(pids):
    """Bytes: private to these processes, and their share of all (PSS)."""
    private = pss = 0
    for pid in pids:
        kib = dict(re.findall(r"^(\w+): +(\d+) kB", _read(f"/proc/{pid}/smaps_rollup"), re.M))
        private += int(kib.get("Private_Clean", 0)) + int(kib.get("Private_Dirty", 0))
        pss += int(kib.get("Pss", 0))
    return {"private": private * 1024, "pss": pss * 1024}


def slab():
    """Bytes of the kernel's objects: sockets, inodes, buffers, map entries."""
    return int(re.search(r"^Slab: +(\d+)", _read("/proc/meminfo"), re.M)[1]) * 1024
