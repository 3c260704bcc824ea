# SPDX-License-Identifier: BSD-2-Clause
"""What the processes hold: while the load goes on, and whether it comes back afterwards."""

import os
import re
import subprocess
import time
from pathlib import Path

import measure as m
import world as w
from measure import MIB

DAEMONS = (*m.PROXIES, "public-relay", "private-relay")
MAPS = ("peers", "slots", "flows")
# Spare pipes, of two descriptors each: splice.c keeps 64 a worker.
SPARE_PIPES = 2 * (64 + 4) * os.cpu_count()
MOST_MEMORY = 192 * MIB  # under load, of one daemon
IDLE_CPU = 0.02


def threads(process):
    return len(os.listdir(f"/proc/{process.pid}/task"))


def entries(process):
    """Of the maps whose entries stand for sockets."""
    found = {}
    for name, map_id in process.maps().items():
        if name in MAPS[:2]:
            dump = w.bpftool("map", "dump", "id", str(map_id))
            found[name] = len(dump) if isinstance(dump, list) else 0
    return found


def own_sockets(process, control_ports):
    """By state; without those of the control network."""
    found = {}
    for s in map(m.Socket, m.ss("-tnimpOH").splitlines()):
        if process.pid in s.pids and not {s.local, s.peer} & set(control_ports):
            found[s.state] = found.get(s.state, 0) + 1
    return found


def parked(world, name):
    """Descriptors that connections dialled ahead hold. Only when nothing else is open."""
    port = world.ports["internal"]
    return len([s for s in m.sockets(world, world[name]) if port in (s.local, s.peer)])


class Sample:
    def __init__(self, world, name):
        process = world[name]
        self.name, self.at = name, time.monotonic()
        self.memory = m.memory_of(process)
        fds = process.fds()
        self.pipes = len([fd for fd in fds if fd.startswith("pipe:")])
        self.fds = len(fds) - self.pipes
        self.threads, self.cpu = threads(process), m.cpu_time(process)
        proxy = name in m.PROXIES
        self.entries = entries(process) if proxy and os.geteuid() == 0 else {}
        self.sockets = own_sockets(process, world.control_ports) if proxy else {}

    def as_dict(self):
        return {**vars(self), "at": round(self.at, 1), "cpu": round(self.cpu, 2)}

    def __str__(self):
        return (f"{self.name}: {self.memory / MIB:.1f} MiB, {self.fds} fds, {self.pipes} of pipes, "
                f"{self.threads} threads, sockets {sum(self.sockets.values())}, "
                f"entries {sum(self.entries.values())}")


class Watch:
    """`guard`: see Faults."""

    def __init__(self, world, guard, log):
        self.world, self.guard, self.log = world, guard, log
        self.samples, self.problems = [], []
        self.slab = m.slab_objects() if os.geteuid() == 0 else {}
        self.first, self.warm = {}, {}

    def idle(self):
        """Before the load: what has to be there again after it."""
        w.wait_until(lambda: not any(m.clients(self.world, n) for n in m.PROXIES), 10, "idle")
        time.sleep(0.5)
        for name in DAEMONS:
            self.first[name] = self._lasting(name), threads(self.world[name])

    def _lasting(self, name):
        return m.lasting(self.world, name) - (parked(self.world, name) if name in m.PROXIES else 0)

    def all_run(self):
        with self.guard:
            ended = [f"{p.name} ended with status {p.popen.returncode}"
                     for p in self.world.processes.values() if not p.running()]
        self.problems += [problem for problem in ended if problem not in self.problems]
        return not ended

    def look(self, warm=False):
        with self.guard:
            if not self.all_run():
                return
            now = [Sample(self.world, name) for name in DAEMONS]
        self.samples += now
        for sample in now:
            if warm:
                self.warm[sample.name] = sample.memory
            self.log(f"       {sample}")
            if sample.memory > MOST_MEMORY and not w.SANITIZED:
                self.problems.append(f"under load, {sample}: more than {MOST_MEMORY / MIB:.0f} MiB")

    # ---- afterwards

    def comes_back(self, own_net):
        for check in (self._connections, self._descriptors, self._entries, self._memory, self._cpu,
                      *([self._orphans] if own_net else [])):
            try:
                check()
            except AssertionError as e:
                self.problems.append(f"after the load: {str(e)[:600]}")
        self.look()
        self.slab = {k: m.slab_objects()[k] - n for k, n in self.slab.items()}

    def _connections(self):
        for name in m.PROXIES:
            again(lambda n=name: len(m.clients(self.world, n)), 0, 40, f"{name}: connections")

    def _descriptors(self):
        for name, (fds, most) in self.first.items():
            process = self.world[name]
            again(lambda n=name: self._lasting(n), fds, 20, f"{name}: descriptors")
            again(lambda p=process: threads(p), most, 10, f"{name}: threads")
            pipes = len([fd for fd in process.fds() if fd.startswith("pipe:")])
            assert pipes <= SPARE_PIPES, f"{name}: {pipes} descriptors of pipes"

    def _entries(self):
        for name in m.PROXIES if os.geteuid() == 0 else ():
            again(lambda n=name: sum(entries(self.world[n]).values()), 0, 20,
                  f"{name}: entries in its maps")

    def _memory(self):
        for name, warm in self.warm.items():
            now = m.memory_of(self.world[name])
            assert now < warm * 1.5 + 8 * MIB or w.SANITIZED, \
                f"{name}: {now / MIB:.1f} MiB; {warm / MIB:.1f} when it was warm"

    def _cpu(self):
        load = min(m.cpu_load(*(self.world[name] for name in DAEMONS), seconds=3)
                   for _ in range(2))
        assert load < IDLE_CPU * w.SLOW, f"idle, one takes {load:.0%} of a processor"

    def _orphans(self):
        """Sockets that no process has, and that wait for nothing but a clock."""
        left = []

        def gone():
            left[:] = [line for line in m.ss("-tnpoH").splitlines() if "pid=" not in line]
            return not left

        try:
            w.wait_until(gone, 40, "", 0.5)
        except AssertionError:
            raise AssertionError(f"{len(left)} sockets that nobody has: {left[:8]}") from None


def again(count, most, seconds, what):
    """Within so long a count comes back to what it was at first."""
    now = []

    def back():
        now[:] = [count()]
        return now[0] <= most

    try:
        w.wait_until(back, seconds, what, 0.2)
    except AssertionError:
        raise AssertionError(f"{what}: {now[0]}, at first {most}") from None


# ---- logs


def kernel_log():
    return subprocess.run(["dmesg"], capture_output=True, text=True, timeout=20).stdout.splitlines()


class KernelLog:
    """What it says from now on. A line stays itself, while old ones fall out of the buffer."""

    def __init__(self):
        self.before = set(kernel_log())

    def earlier(self, pattern):
        """The kernel says many of its warnings once: what is here already will not come again."""
        return [line for line in sorted(self.before)
                if pattern.search(line) and "mitigation" not in line and "Call Trace" not in line]

    def complaints(self, pattern):
        return [line for line in kernel_log() if line not in self.before and pattern.search(line)]


CLOSED = re.compile(r"closed: .*up=(\d+) down=(\d+) kernel_up=(\d+) kernel_down=(\d+) .*path=(\S+)")


def bytes_per_path(log: Path):
    """path → connections, bytes, and of them those that the kernel moved."""
    found = {}
    with open(log, errors="replace") as lines:
        for line in lines:
            c = CLOSED.search(line)
            if c:
                sums = found.setdefault(c[5], [0, 0, 0])
                up, down, kernel_up, kernel_down = map(int, c.groups()[:4])
                for i, n in enumerate((1, up + down, kernel_up + kernel_down)):
                    sums[i] += n
    return found


def complaints(log: Path):
    """Messages of level ERROR and WARN, numbers taken out, and how often each came."""
    found = {}
    with open(log, errors="replace") as lines:
        for line in lines:
            c = re.search(r"\b(ERROR|WARN)\b\s+(.*)", line)
            if c:
                text = f"{c[1]} {re.sub(r'[0-9]+', 'N', c[2])[:120]}"
                found[text] = found.get(text, 0) + 1
    return found
