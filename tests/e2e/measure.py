# SPDX-License-Identifier: BSD-2-Clause
"""What the kernel tells about processes, sockets and memory."""

import json
import os
import re
import subprocess
import time
from pathlib import Path

import world as w

MIB = 1024 * 1024
# Everything at full length, for a machine with nothing else to do.
LONG = os.environ.get("PASSAGE_LONG") == "1"
TICKS = os.sysconf("SC_CLK_TCK")
PROXIES = ("public-proxy", "private-proxy")


def set_up(world, forwarding=None, limits=None, parked=True):
    """The same settings for both proxies. Without parked connections, what is open is a
    client's."""
    settings = {}
    if forwarding:
        settings["forwarding"] = forwarding
    if limits:
        settings["limits"] = limits
    world.extra("public-proxy-1", settings, "910_limits")
    if not parked:
        settings = {**settings, "private": {"parked": {"min": 1, "max": 0}}}
    world.extra("private-proxy-1", settings, "910_limits")


class Socket:
    """A line of ss: `queues` in bytes, `memory` as the kernel accounts it, `info` of tcp_info."""

    def __init__(self, line):
        f = line.split(None, 5)
        self.state, self.received, self.unsent = f[0], int(f[1]), int(f[2])
        self.local, self.peer = (int(end.rpartition(":")[2]) for end in f[3:5])
        rest = f[5] if len(f) > 5 else ""
        self.pids = {int(pid) for pid in re.findall(r"pid=(\d+)", rest)}
        m = re.search(r"skmem:\(([^)]*)\)", rest)
        memory = {k: int(v) for k, v in re.findall(r"([a-z]+)(\d+)", m[1] if m else "")}
        self.read_memory, self.write_memory = memory.get("r", 0), memory.get("w", 0)
        self.info = {k: int(v) for k, v in re.findall(r"\b(bytes_\w+):(\d+)", rest)}


def ss(*options):
    command = ["ss", *options, "state", "connected", "exclude", "time-wait"]
    return subprocess.run(command, capture_output=True, text=True, timeout=30).stdout


def sockets(world, process=None):
    """The TCP sockets at the world's ports that a client's bytes go over, without TIME-WAIT."""
    ports = {world.stream_port, *(world.ports[p] for p in ("tls", "internal", "backend"))}
    found = [Socket(line) for line in ss("-tnimpOH").splitlines() if line]
    found = [s for s in found if {s.local, s.peer} & ports]
    return [s for s in found if process is None or process.pid in s.pids]


def clients(world, name):
    """The sockets of a proxy that stand for one client's connection each."""
    own = sockets(world, world[name])
    if name == "public-proxy":
        return [s for s in own if s.local == world.ports["tls"]]
    return [s for s in own if s.peer in (world.stream_port, world.ports["backend"])]


class Held:
    """What a proxy holds of all its downloads, in bytes; from the sockets' own counts."""

    def __init__(self, world, name):
        ports = world.ports
        own = sockets(world, world[name])
        if name == "public-proxy":
            source = [s for s in own if s.local == ports["internal"]]
            target = [s for s in own if s.local == ports["tls"]]
        else:
            source = [s for s in own if s.peer == world.stream_port]
            target = [s for s in own if s.peer == ports["internal"]]
        self.n = min(len(source), len(target))  # beside them, parked connections
        came = sum(s.info.get("bytes_received", 0) for s in source)
        gone = sum(s.info.get("bytes_acked", 0) for s in target)
        self.bytes = came - gone
        # What is in no socket's queue: user space, pipes, the kernel's worker.
        self.beside = self.bytes - sum(s.received for s in source) - sum(s.unsent for s in target)
        self.memory = sum(s.read_memory for s in source) + sum(s.write_memory for s in target)

    def __repr__(self):
        return f"{self.n} directions: bytes={self.bytes} beside={self.beside} memory={self.memory}"


def lasting(world, name):
    """Its descriptors, without kept connections of the control network and spare pipes, of which
    each worker keeps at most 64."""
    process = world[name]
    kept = {f"socket:[{inode}]" for inode in w.connections(process.pid, world.control_ports)}
    return len([fd for fd in process.fds() if fd not in kept and not fd.startswith("pipe:")])


def open_files(process):
    return len(os.listdir(f"/proc/{process.pid}/fd"))


def memory_of(process):
    """Resident bytes."""
    pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def kernel_memory():
    """Bytes, in the whole machine: TCP's memory that is in no socket's own queue, and the slab."""
    stat = Path("/proc/net/sockstat").read_text()
    tcp = int(re.search(r"^TCP:.*\bmem (\d+)", stat, re.M)[1]) * os.sysconf("SC_PAGE_SIZE")
    queues = sum(int(r) + int(q)
                 for r, q in re.findall(r"skmem:\(r(\d+),rb\d+,t\d+,tb\d+,f\d+,w(\d+)",
                                   ss("-tnmOH")))
    slab = int(re.search(r"^Slab:\s+(\d+)", Path("/proc/meminfo").read_text(), re.M)[1]) * 1024
    return tcp - queues, slab


def tcp_pressure():
    """Bytes from which on the machine's TCP saves memory."""
    mark = int(Path("/proc/sys/net/ipv4/tcp_mem").read_text().split()[1])
    return mark * os.sysconf("SC_PAGE_SIZE")


def slab_objects():
    """Objects in use, of sockets and what belongs to them; root only."""
    found = {}
    for line in Path("/proc/slabinfo").read_text().splitlines():
        name, *numbers = line.split()
        if re.match(r"(TCP(v6)?|request_sock_TCP(v6)?|sock_inode_cache|sk_psock\w*)$", name):
            found[name] = int(numbers[0])
    return found


def cpu_time(process):
    """Seconds that it has spent, in user space and in the kernel."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def cpu_load(*processes, seconds=1.0):
    """The part of one processor that the busiest of them takes."""
    before, begin = [cpu_time(p) for p in processes], time.monotonic()
    time.sleep(seconds)
    spent = [cpu_time(p) - b for p, b in zip(processes, before)]
    return max(spent) / (time.monotonic() - begin)


def closed_lines(process, start=0):
    """The fields of its lines about closed connections."""
    lines = re.findall(r"connection \S+ closed: (.*)", process.log()[start:])
    found = []
    for line in lines:
        fields = dict(re.findall(r"(\w+)=(\S+)", line))
        fields["reason"] = line.partition("reason=")[2]
        found.append(fields)
    return found


class Streaming:
    """The streaming client in the background."""

    def __init__(self, world, *args, seconds=60, name=w.STREAM_NAME, host="127.0.0.1"):
        self.seconds = round(seconds * w.PATIENCE)
        self.popen = subprocess.Popen(
            [str(w.TOOLS / "streamer"), "client", host, str(world.ports["tls"]), "--hello", name,
             "--timeout", str(self.seconds), *map(str, args)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.popen.poll() is None:
            self.popen.kill()
        self.popen.communicate()

    def running(self):
        return self.popen.poll() is None

    def report(self, check=True):
        out, err = self.popen.communicate(timeout=self.seconds + 10)
        assert out, err
        report = json.loads(out.splitlines()[-1])
        if check:
            assert report["failed"] == 0, report
        return report
