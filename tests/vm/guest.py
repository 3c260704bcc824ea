# SPDX-License-Identifier: BSD-2-Clause
"""One guest in qemu: boots a kernel, reads what its init reports, and ends it."""

import os
import re
import subprocess
import time
from pathlib import Path

import emulator
import known

# Whatever the tests say, a kernel that writes one of these has failed.
COMPLAINTS = re.compile(
    r"WARNING: |\bBUG: |\bkernel BUG at |\bOops\b|general protection fault|Kernel panic|"
    r"possible circular locking|possible recursive locking|inconsistent lock state|"
    r"suspicious RCU usage|rcu: INFO: |detected stalls?\b|recvmsg seq # bug|recvmsg bug|"
    r"refcount_t: |UBSAN: |KASAN: |unregister_netdevice: waiting|blocked for more than|"
    r"Out of memory|\bsegfault at |\btrap invalid opcode|sysctl .* unregister|Call Trace:")
OPTIONS = "console=ttyS0 loglevel=5 panic=-1 oops=panic log_buf_len=4M mitigations=off " \
    "random.trust_cpu=on nokaslr print-fatal-signals=1"
# MiB, taken only as the guest touches it. TCP's own limit (net.ipv4.tcp_mem) follows from it: with 1 GiB
# the tests of many connections would all run under memory pressure, for which there is one of its own.
MEMORY = os.environ.get("VM_MEMORY", "4096")


def command(qemu, kernel, initrd, accel, console, report):
    return [*qemu, *emulator.speed(accel), "-smp", "2", "-m", MEMORY, "-nodefaults",
            "-no-user-config", "-display", "none", "-no-reboot", "-kernel", str(kernel),
            "-initrd", str(initrd), "-append", OPTIONS, "-serial", f"file:{console}",
            "-serial", f"file:{report}"]


def cpu_time(pid):
    """What a process has used of all processors, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Guest:
    """Files in `folder`: console.log (the kernel), report.log (the tests), qemu.log."""

    def __init__(self, qemu, kernel, initrd, folder, accel):
        self.folder = Path(folder)
        self.console, self.report = self.folder / "console.log", self.folder / "report.log"
        self.command = command(qemu, kernel, initrd, accel, self.console, self.report)
        self.seconds = self.cpu_seconds = 0

    def run(self, seconds, cpu_seconds=None):
        """True if it has switched itself off in time: `seconds` by the wall, and `cpu_seconds` of
        processors, which say more about it where others keep the machine busy."""
        for path in (self.console, self.report):
            path.write_bytes(b"")
        with open(self.folder / "qemu.log", "wb") as log:
            qemu = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log,
                                    stderr=subprocess.STDOUT)
        begin = time.monotonic()
        try:
            while qemu.poll() is None:
                self.cpu_seconds = cpu_time(qemu.pid)
                if time.monotonic() - begin > seconds or \
                        (cpu_seconds and self.cpu_seconds > cpu_seconds):
                    return False
                time.sleep(0.2)
            return qemu.returncode == 0
        finally:
            if qemu.poll() is None:
                qemu.kill()
                qemu.wait()
            self.seconds = time.monotonic() - begin

    def text(self, path):
        return path.read_text(errors="replace").replace("\r", "")

    def tests(self):
        """(name, output, exit status or None if it never ended, seconds) of each that began."""
        found = []
        report = self.text(self.report).split("\n=== dmesg\n")[0]
        for part in re.split(r"^=== begin ", report, flags=re.M)[1:]:
            name, _, output = part.partition("\n")
            output, end, tail = output.partition(f"=== end {name} ")
            numbers = tail.split()[:2]
            if end and len(numbers) == 2:
                found.append((name, output, int(numbers[0]), int(numbers[1])))
            else:
                found.append((name, output, None, 0))
        return found

    def done(self):
        return "\n=== done\n" in self.text(self.report)

    def complaints(self, release, around=40):
        """What the kernel said that it should not, with some lines of context; and the bugs of
        tests/vm/known.py that it has shown."""
        lines = (self.text(self.report).partition("\n=== dmesg\n")[2] or
                 self.text(self.console)).splitlines()
        found, bugs, shown_to = [], [], -1
        for i, line in enumerate(lines):
            if not COMPLAINTS.search(line) or i <= shown_to:
                continue
            began = [m[1] for m in (re.search(r"vm: (\S+) begins", b) for b in lines[:i]) if m]
            where = f"(in {began[-1] if began else 'the boot'})"
            report = known.report_at(lines, i)
            bug = known.find(release, report)
            if bug:
                bugs.append(f"{where} {line.partition('] ')[2]}: {bug.why}")
                shown_to = i + len(report) - 1
            else:
                shown_to = i + around
                found.append(f"{where}\n" + "\n".join(lines[i:shown_to + 1]))
        return found, bugs

    def last_lines(self, n=15):
        return "\n".join(f"--- {path.name}\n" + "\n".join(self.text(path).splitlines()[-n:])
                         for path in (self.report, self.console, self.folder / "qemu.log"))
