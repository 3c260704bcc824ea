# SPDX-License-Identifier: BSD-2-Clause
"""The guest's file system: initramfs archives, written straight in cpio's newc
format (Linux: Documentation/driver-api/early-userspace/buffer-format.rst). The
kernel unpacks several archives behind one another, so one with the programs
serves all kernels, and each adds its modules."""

import lzma
import re
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# What the tests can use beyond what every kernel has built in.
MODULES = ("veth", "sch_netem")
TOOLS = ("curl", "ip", "tc")


def which(name):
    path = shutil.which(name, path="/usr/bin:/bin:/usr/sbin:/sbin")
    if not path:
        raise FileNotFoundError(f"{name} is not installed: make deps")
    return Path(path)


class Archive:
    """Files to be, by their path in the guest."""

    def __init__(self):
        self.entries = {}  # path → (mode, content)

    def directory(self, path):
        while path not in ("", "/", "."):
            self.entries.setdefault(path, (0o040755, b""))
            path = str(Path(path).parent)

    def file(self, path, content, mode=0o644):
        self.directory(str(Path(path).parent))
        self.entries[path] = (0o100000 | mode, content)

    def link(self, path, target):
        self.directory(str(Path(path).parent))
        self.entries[path] = (0o120777, target.encode())

    def copy(self, path, source):
        self.file(path, source.read_bytes(), source.stat().st_mode & 0o777)

    def program(self, path, source):
        """With the libraries that it needs."""
        self.copy(path, source)
        listed = subprocess.run(["ldd", source], capture_output=True, text=True, timeout=20).stdout
        for library in re.findall(r"(/\S+) \(0x", listed):
            if library not in self.entries:
                self.copy(library, Path(library))

    def tree(self, path, source, wanted=lambda p: True):
        for p in sorted(source.rglob("*")):
            if p.is_file() and wanted(p):
                self.copy(f"{path}/{p.relative_to(source)}", p)

    def bytes(self):
        # Parents before what is in them.
        entries = [*sorted(self.entries.items()), ("/TRAILER!!!", (0, b""))]
        parts = []
        for inode, (path, (mode, content)) in enumerate(entries, 1):
            name = path.lstrip("/").encode() + b"\0"
            fields = (inode, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name), 0)
            head = b"070701" + b"".join(b"%08X" % f for f in fields) + name
            parts += [head, b"\0" * (-len(head) % 4), content, b"\0" * (-len(content) % 4)]
        return b"".join(parts)


def base(build):
    """Everything but modules: the same for all kernels."""
    archive = Archive()
    for path in ("/proc", "/sys", "/dev", "/tmp", "/run", "/root", "/var/tmp"):
        archive.directory(path)
    busybox = which("busybox")
    archive.program("/bin/busybox", busybox)
    archive.link("/bin/sh", "busybox")
    archive.copy("/init", ROOT / "tests/vm/guest/init")
    for name in TOOLS:
        archive.program(f"/usr/bin/{name}", which(name))
    archive.file("/etc/hosts", b"127.0.0.1 localhost\n::1 localhost\n")
    archive.file("/etc/nsswitch.conf", b"hosts: files\n")
    archive.file("/etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n")
    archive.file("/etc/group", b"root:x:0:\n")
    for name in ("proxy", "relay", "internal-server"):
        archive.program(f"/passage/build/bin/{name}", build / "bin" / name)
    archive.link("/passage/build/bin/hyper", "relay")
    archive.link("/passage/build/bin/eps", "relay")
    archive.program("/passage/build/tests/tools/streamer", build / "tests/tools/streamer")
    for path in bpf_tests(build):
        archive.program(f"/passage/build/tests/bpf/{path.name}", path)
    archive.tree("/passage/settings/dev", ROOT / "settings/dev",
                 lambda p: p.suffix in (".yml", ".json", ".crt", ".key"))
    archive.copy("/passage/tools/five.sh", ROOT / "tools/five.sh")
    archive.tree("/passage/tests/vm/guest", ROOT / "tests/vm/guest")
    return archive.bytes()


def bpf_tests(build):
    return [p for p in sorted((build / "tests/bpf").glob("test_*"))
            if (ROOT / "tests/bpf" / (p.name + ".c")).exists()]


def guest_tests():
    return [p for p in sorted((ROOT / "tests/vm/guest").glob("*.sh")) if p.name != "lib.sh"]


def unpacked(module):
    content = module.read_bytes()
    if module.suffix == ".xz":
        return lzma.decompress(content)
    if module.suffix == ".zst":
        return subprocess.run(["zstd", "-dc", module], capture_output=True, check=True,
                              timeout=60).stdout
    return content


def modules(root, release):
    """The modules below root/lib/modules/release that we want, in the order to insert them."""
    archive, paths = Archive(), []
    for name in MODULES:
        shown = subprocess.run(
            [which("modprobe"), "--dirname", root, "--set-version", release, "--show-depends",
             "--ignore-install", name], capture_output=True, text=True, timeout=60)
        paths += re.findall(r"^insmod (\S+)", shown.stdout, re.M)
    for i, path in enumerate(dict.fromkeys(paths)):
        path = Path(path)
        archive.file(f"/vm/modules/{i:02}-{path.name.split('.')[0]}.ko", unpacked(path))
    return archive.bytes()


def run_file(variables):
    """What the guest's init sources."""
    archive = Archive()
    archive.file("/vm/run", "".join(f"export {k}='{v}'\n" for k, v in variables.items()).encode())
    return archive.bytes()
