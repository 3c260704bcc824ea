# SPDX-License-Identifier: BSD-2-Clause
"""The suite "vm": the BPF tests and an end-to-end run on other kernels.

From the environment:
  KERNELS=5.10,newest    which of Debian's kernels: 5.10, 6.1, 6.12, newest
  KERNEL=path            a bzImage instead of these
  KERNEL_MODULES=dir     its modules, as they would be installed below /lib/modules
  JOBS=1                 guests at once (2 where there are two cores)
  VM_MEMORY=1024         MiB a guest (4096)
  VM_CLOCK=wall          an emulated guest's clock is the host's, and its processors run side by side
  PASSAGE_TEST_SCALE=1   by how much tests with a lot of data shall divide it (10)
"""

import concurrent.futures
import fcntl
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import emulator
import guest
import image

ROOT = image.ROOT
WORK = ROOT / "build/vm"
# For all tests of a kernel, and only against one that hangs: seconds of processors, and by the wall,
# where the machine may have much else to do.
GUEST_CPU_LIMIT = 2400
GUEST_LIMIT = 3 * 3600
TEST_LIMIT = 600  # seconds by the guest's clock
NO_MIRROR = 77  # exit status of vm-kernels.sh: not a Debian machine, and no kernels kept from before
DEBIAN = ("5.10", "6.1", "6.12", "newest")


class Kernel:
    def __init__(self, name, image_path, modules_root, release):
        self.name, self.image = name, Path(image_path)
        self.modules_root, self.release = modules_root, release


def chosen_kernels():
    """Kernel objects; Debian's are fetched if they are not here yet."""
    if os.environ.get("KERNEL"):
        path = Path(os.environ["KERNEL"])
        modules = os.environ.get("KERNEL_MODULES")
        if not path.is_file():
            raise FileNotFoundError(f"KERNEL={path}: there is no such file")
        if not modules:
            return [Kernel(path.name, path, None, None)]
        # modprobe wants the tree that the folder would be in.
        modules = Path(modules).resolve()
        root = WORK / "modules"
        (root / "lib/modules").mkdir(parents=True, exist_ok=True)
        link = root / "lib/modules" / modules.name
        link.unlink(missing_ok=True)
        link.symlink_to(modules)
        return [Kernel(path.name, path, root, modules.name)]
    names = [n for n in re.split(r"[ ,]+", os.environ.get("KERNELS", "")) if n] or list(DEBIAN)
    subprocess.run([ROOT / "tools/vm-kernels.sh", *names], check=True, stdout=subprocess.DEVNULL,
                   timeout=600)
    found = []
    for name in names:
        folder = WORK / "kernels" / name
        release = (folder / "release").read_text().strip()
        found.append(Kernel(name, folder / "vmlinuz", folder / "modules", release))
    return found


def accelerator(qemu, kernel, base):
    """kvm where a guest really runs with it, else tcg. Some machines have /dev/kvm, and a guest
    hangs in it: so one is tried, once until the machine starts anew."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return "tcg"
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    known = WORK / "accel"
    if known.exists():
        remembered, _, accel = known.read_text().strip().partition(" ")
        if remembered == boot:
            return accel
    run = probe(qemu, kernel, base)
    accel = "kvm" if run else "tcg"
    known.write_text(f"{boot} {accel}\n")
    return accel


def probe(qemu, kernel, base):
    folder = WORK / "probe"
    folder.mkdir(exist_ok=True)
    (folder / "initrd").write_bytes(base + variables([], 1))
    trial = guest.Guest(qemu, kernel.image, folder / "initrd", folder, "kvm")
    works = trial.run(10) and trial.done()
    shutil.rmtree(folder)
    return works


def variables(tests, limit):
    scale = os.environ.get("PASSAGE_TEST_SCALE", "10")
    return image.run_file({"now": int(time.time()), "limit": limit, "tests": " ".join(tests),
                           "PASSAGE_TEST_SCALE": scale})


def boot(qemu, kernel, base, tests, accel):
    folder = WORK / "run" / kernel.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    modules = image.modules(kernel.modules_root, kernel.release) if kernel.release else b""
    (folder / "initrd").write_bytes(base + modules + variables(tests, TEST_LIMIT))
    machine = guest.Guest(qemu, kernel.image, folder / "initrd", folder, accel)
    machine.off = machine.run(GUEST_LIMIT, GUEST_CPU_LIMIT)
    (folder / "initrd").unlink()
    return machine


def without_successes(output):
    """Of a long list only what went wrong. What a test prints stands before its verdict."""
    kept, since_verdict = [], []
    for line in output.splitlines():
        if re.match(r"ok \d", line):
            since_verdict = []
            continue
        since_verdict.append(line)
        if line.startswith("not ok "):
            kept += since_verdict
            since_verdict = []
    return "\n".join(kept + since_verdict) + "\n"


def results(kernel, machine, tests, judge, Count, say):
    """The counts of one guest's tests; prints what went wrong. The kernel's own conduct counts as
    one test more."""
    total, problems, times, seen = Count(), [], [], set()
    for test, output, status, seconds in machine.tests():
        seen.add(test)
        times.append(f"{test} {seconds} s")
        count, output = judge(test, output, -1 if status is None else status)
        total += count
        if count.failed:
            problems.append(f"--- {kernel.name}: {test}\n{without_successes(output)}")
        elif count.skipped:
            problems.append(f"{kernel.name}: {test}: {count.skipped} skipped")
    missing = [t for t in (Path(t).stem for t in tests) if t not in seen]
    complaints, bugs = machine.complaints(kernel.release or "")
    if missing or not machine.off or not machine.done():
        why = "ended early" if machine.off else "did not switch itself off in time"
        problems.append(f"--- {kernel.name}: {why}, {machine.seconds:.0f} s, "
                        f"{machine.cpu_seconds:.0f} s of processors; tests not begun: "
                        f"{' '.join(missing) or 'none'}\n{machine.last_lines()}")
        unwell = True
    else:
        unwell = bool(complaints)
    problems += [f"--- {kernel.name}: the kernel complains {c}" for c in complaints]
    problems += [f"{kernel.name}: known kernel bug: {b}" for b in bugs]
    total += Count(passed=not unwell, failed=unwell)
    name = f"{kernel.name} ({kernel.release})" if kernel.release else kernel.name
    say("\n".join([*problems, f"{name}: {total}, {machine.seconds:.0f} s, {machine.cpu_seconds:.0f} s of processors: "
                   f"{', '.join(times)}"]))
    return total


def run(build, only, judge, Count, say):
    """Counts of all kernels. judge(name, output, status) → (Count, output) reads TAP."""
    if not emulator.is_installed():
        say(f"{emulator.NAME} is not installed: make deps")
        return Count(skipped=1)
    WORK.mkdir(parents=True, exist_ok=True)
    with open(WORK / "lock", "w", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another run has build/vm: waiting for its end")
            fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            return run_locked(build, only, judge, Count, say)
        except subprocess.CalledProcessError as e:
            say(f"vm: {e}")
            return Count(skipped=1) if e.returncode == NO_MIRROR else Count(failed=1)
        except (OSError, subprocess.SubprocessError) as e:
            say(f"vm: {e}")
            return Count(failed=1)


def run_locked(build, only, judge, Count, say):
    kernels = chosen_kernels()
    tests = [f"build/tests/bpf/{p.name}" for p in image.bpf_tests(build)] + \
        [str(p.relative_to(ROOT)) for p in image.guest_tests()]
    tests = [t for t in tests if only in t]
    base = image.base(build)
    qemu = emulator.choose(say)
    accel = accelerator(qemu, kernels[0], base)
    say(f"{', '.join(k.name for k in kernels)}, by qemu {emulator.version_text(qemu)}, {accel}")
    total = Count()
    jobs = int(os.environ.get("JOBS") or min(2, os.cpu_count() or 1))
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        machines = pool.map(lambda k: boot(qemu, k, base, tests, accel), kernels)
        for kernel, machine in zip(kernels, machines):
            total += results(kernel, machine, tests, judge, Count, say)
    return total
