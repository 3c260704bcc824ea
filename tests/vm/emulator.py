# SPDX-License-Identifier: BSD-2-Clause
"""Which qemu, and how it is called for a guest."""

import os
import re
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
OWN = ROOT / "build/vm/qemu"
NAME = "qemu-system-x86_64"
# Before 8.1, TCG translates code while another processor of the guest patches it, and may keep what was
# there in between: a static key that is switched in the boot then ends in "Oops: int3", once in some
# forty boots, and more often where the guests share few processors.
GOOD = (8, 1)
# No cmpxchg16b: TCG of qemu 7.2 takes stale flags into it, and an interrupt behind it then gives the
# guest an EFLAGS out of an address (a double fault in kmem_cache_alloc, string copies backwards).
EMULATED_CPU = "max,la57=off,cx16=off"
# An emulated guest lives by a clock of its own: an instruction takes a nanosecond, and when there is
# nothing to do the clock jumps to the next timer. So no time-out in it can pass because the host is
# busy with something else, and no test waits longer than it has to. One thread runs all of its
# processors in turn then; where they shall run side by side, as with KVM, VM_CLOCK=wall.
OWN_CLOCK = ["-accel", "tcg,thread=single", "-icount", "shift=0,sleep=off"]
WALL_CLOCK = ["-accel", "tcg,thread=multi"]


def speed(accel):
    """The arguments for "kvm" or "tcg"."""
    if accel == "kvm":
        return ["-accel", "kvm", "-cpu", "host"]
    clock = WALL_CLOCK if os.environ.get("VM_CLOCK") == "wall" else OWN_CLOCK
    return [*clock, "-cpu", EMULATED_CPU]


def version(qemu):
    """Its numbers, first the most significant one."""
    out = subprocess.run([qemu[0], "--version"], capture_output=True, text=True, timeout=20).stdout
    found = re.search(r"version ([0-9.]+)", out)
    return tuple(int(n) for n in found[1].split(".")) if found else (0,)


def version_text(qemu):
    return ".".join(str(n) for n in version(qemu))


def is_installed():
    return shutil.which(NAME) is not None


def choose(say):
    """The command's first words: the machine's qemu if it is new enough, else one of our own."""
    if version([NAME]) >= GOOD:
        return [NAME]
    if not (OWN / "release").exists():
        done = subprocess.run([ROOT / "tools/vm-kernels.sh", "qemu"], stdout=subprocess.DEVNULL,
                              timeout=600)
        if done.returncode != 0:
            say("the machine's qemu is old, and no newer one is to be had: guests may fail in the boot")
            return [NAME]
    return [str(OWN / NAME), "-L", str(OWN / "qemu"), "-L", str(OWN / "seabios")]
