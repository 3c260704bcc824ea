#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Compares Passage with chains of other proxies, and with no proxy at all.

  tests/bench/run.py [--build DIR] [--output DIR] [--rounds N] [--quick] [--paths]
                     [--key rsa|ecdsa] [--variant NAME=FILE]... [--only PATTERN]
                     [--topologies NAME,...]

In each round each case runs over each chain, in changing order, so that what drifts on the machine
hits all alike. Writes build/bench/result.json, tables to standard output and to build/bench/result.md,
plots to build/bench/. It prints what it finds and judges no times: the exit status is 1 only if
something could not be measured. docs/performance.md says what the figures mean.

--variant: one more Passage, with further settings: {"public": {...}, "private": {...}} for the two
proxies. --paths: also Passage with each way of forwarding forced.
"""

import argparse
import fcntl
import fnmatch
import json
import platform
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

import measure
import plots
import report
import topologies as top
from topologies import PLAIN_NAME, ROOT, TLS_NAME, Failure

LEVELS = (10, 1000, 4000)  # open connections
GB = 1e9


class Load:
    """A run of the load generator; the time it measures is between its two lines."""

    def __init__(self, bench, topology, case, name, *options):
        command = [bench.build / "tests/bench/load", case, "--address", topology.target(name),
                   "--name", name, *options]
        self.topology, self.what = topology, f"{topology.title}: {case} {' '.join(options)}"
        self.popen = subprocess.Popen([str(c) for c in command], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def line(self):
        line = self.popen.stdout.readline()
        if not line:
            self.popen.wait(10)
            self.topology.check()
            raise Failure(f"{self.what}: {self.popen.stderr.read().strip() or 'no result'}")
        return json.loads(line)

    def end(self):
        self.popen.stdin.close()
        self.popen.stdout.read()
        self.popen.wait(60)
        for stream in (self.popen.stdout, self.popen.stderr):
            stream.close()


class Bench:
    def __init__(self, options):
        self.build = options.build.resolve()
        self.dir = options.output.resolve()
        self.lock()
        self.scale = 0.3 if options.quick else 1
        self.rounds = 1 if options.quick and not options.rounds else options.rounds or 5
        self.ca, certificate, key = self.certificates(options.key)
        self.backend = top.Backend(self.dir, self.build, certificate, key)
        self.topologies = self.make_topologies(options)
        self.cases = [c for c in CASES if fnmatch.fnmatch(c[0], options.only or "*")]
        self.results = {t.key: {} for t in self.topologies}
        self.failures = []
        self.sample = ""  # which round, and which run in it

    def lock(self):
        """Two runs at once would spoil each other's figures, and share files."""
        self.dir.mkdir(parents=True, exist_ok=True)
        self.locked = open(self.dir / "lock", "w")
        try:
            fcntl.flock(self.locked, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Failure(f"another benchmark is at work in {self.dir}; wait for it, or name "
                          "another folder with --output") from None

    def certificates(self, kind):
        """CA, certificate, key: the development ones (RSA 2048), or new ones for P-256."""
        if kind == "rsa":
            certs = top.DEV / "certs"
            return certs / "root.crt", certs / "internal-server.crt", certs / "internal-server.key"
        certificate, key = self.dir / "p256.crt", self.dir / "p256.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", "/CN=bench",
                        "-addext", "subjectAltName=DNS:*.internal-server.local",
                        "-keyout", key, "-out", certificate], check=True, capture_output=True)
        return certificate, certificate, key

    def make_topologies(self, options):
        made = [top.Direct(self.dir, self.backend.ports)]

        def passage(*arguments):
            made.append(top.Passage(self.dir, self.backend.ports, self.build, *arguments))

        passage("passage", "Passage", {})
        passage("passage-rendezvous", "Passage, none parked",
                {"private": {"private": {"parked": {"min": 1, "max": 0}}}}, "connect*")
        for path in ("sockmap", "splice", "copy") if options.paths else ():
            passage(f"passage-{path}", f"Passage, {path}",
                    {role: {"forwarding": path} for role in ("public", "private")})
        for name, settings in options.variant:
            passage(f"passage-{name}", f"Passage, {name}", settings)
        for chain in (top.Nginx, top.Haproxy, top.Sniproxy):
            made.append(chain(self.dir, self.backend.ports))
        wanted = options.topologies and options.topologies.split(",")
        return [t for t in made if not wanted or t.key in wanted or t.key == "direct"]

    # ---- the life of a chain

    def ask(self, topology, name):
        if name == TLS_NAME:
            load = Load(self, topology, "connect", name, "--ca", str(self.ca), "--seconds", "0.01",
                        "--warmup", "0")
        else:
            load = Load(self, topology, "ping", name, "--seconds", "0.01", "--warmup", "0")
        load.popen.communicate(timeout=60)
        return load.popen.returncode == 0

    def start(self, topology):
        topology.start()
        top.wait_ready(topology, lambda name: self.ask(topology, name))

    def restart(self, topology):
        topology.stop()
        self.start(topology)

    # ---- one measurement

    def load(self, topology, case, name, *options, seconds=1.0):
        """The load generator's result, with the processor time that all parts took meanwhile."""
        groups = {f"proxy {k}": v for k, v in topology.groups().items()}
        groups["backend"] = measure.family(self.backend.popen.pid)
        load = Load(self, topology, case, name, *map(str, options), "--seconds",
                    str(seconds * self.scale))
        try:
            load.line()
            before = measure.Snapshot(groups)
            result = load.line()
            result["cpu"] = measure.Snapshot(groups).since(before)
        finally:
            load.end()
        cpu = result["cpu"]
        cpu["load"] = result["load_cpu"]
        cpu["proxies"] = sum(v for k, v in cpu.items() if k.startswith("proxy "))
        return result

    def keep(self, topology, case, **metrics):
        for name, value in metrics.items():
            if value is not None:
                self.results[topology.key].setdefault(f"{case}.{name}", {})[self.sample] = value

    def keep_cpu(self, topology, case, cpu, units, scale):
        """Per request or per GB; and how busy the load generator's thread was."""
        for part in ("machine", "proxies", "kernel", "backend", "load"):
            self.keep(topology, case, **{f"cpu_{part}": cpu[part] / units * scale if units else None})
        for part, seconds in cpu.items():
            if part.startswith("proxy ") and units:
                self.keep(topology, case, **{f"cpu_{part[6:]}": seconds / units * scale})
        wall = cpu["available"] / measure.CPUS
        self.keep(topology, case, load_busy=cpu["load"] / wall)

    # ---- cases

    def connect(self, topology, case, parallel, seconds):
        r = self.load(topology, "connect", TLS_NAME, "--ca", self.ca, "--connections", parallel,
                      seconds=seconds)
        if r["failed"]:
            self.fail(f"{topology.title}: {r['failed']} of {r['requests']} connections failed: "
                      f"{r['error']}")
        self.keep(topology, case, rate=r["rate"],
                  **{f"{what}_{p}": r[what][p] / 1000 for what in ("first_tls", "first_http")
                     for p in ("p50", "p99") if r[what]})
        self.keep_cpu(topology, case, r["cpu"], r["requests"], 1e3)

    def ping(self, topology, case, connections, seconds, tls=False):
        r = self.load(topology, "ping", TLS_NAME if tls else PLAIN_NAME,
                      *(["--ca", self.ca] if tls else []), "--connections", connections,
                      seconds=seconds)
        self.keep(topology, case, rate=r["rate"], p50=r["latency"]["p50"], p99=r["latency"]["p99"])
        self.keep_cpu(topology, case, r["cpu"], r["requests"], 1e6)

    def bulk(self, topology, case, connections, up, seconds):
        r = self.load(topology, "bulk", PLAIN_NAME, "--connections", connections,
                      *(["--up"] if up else []), seconds=seconds)
        self.keep(topology, case, gbit_s=r["gbit_s"])
        self.keep_cpu(topology, case, r["cpu"], r["bytes"] / GB, 1)

    def memory(self, topology):
        """Of each process of the chain, and of the kernel's objects."""
        return {**{name: measure.memory(pids) for name, pids in topology.groups().items()},
                "slab": measure.slab()}

    def idle(self, topology, case, seconds):
        """From few to many open connections that are quiet: memory, and what a new one and one
        that talks notice. The chain starts afresh, so that no earlier peak hides the growth."""
        self.restart(topology)
        holders, seen = [], {}
        try:
            for level in LEVELS:
                before = LEVELS[LEVELS.index(level) - 1] if level != LEVELS[0] else 0
                holder = Load(self, topology, "hold", PLAIN_NAME, "--connections",
                              str(level - before))
                holders.append(holder)
                holder.line()
                time.sleep(0.3)  # promotions to the kernel's path are over
                seen[level] = self.memory(topology)
                self.connect(topology, f"{case}{level}.connect", 1, seconds)
                self.ping(topology, f"{case}{level}.ping", 1, seconds / 2)
        finally:
            for holder in holders:
                holder.end()
        few, many = LEVELS[0], LEVELS[-1]
        for level in LEVELS[1:]:
            n = level - few
            for name in topology.groups():
                grown = seen[level][name]["private"] - seen[few][name]["private"]
                self.keep(topology, f"{case}{level}", **{f"user_{name}": grown / n / 1024,
                          f"pss_{name}": seen[level][name]["pss"] / 2**20})
            proxies = topology.groups()
            self.keep(topology, f"{case}{level}",
                      user=sum(seen[level][p]["private"] - seen[few][p]["private"]
                               for p in proxies) / n / 1024,
                      pss=sum(seen[level][p]["pss"] for p in proxies) / 2**20,
                      slab=(seen[level]["slab"] - seen[few]["slab"]) / n / 1024)
        def kept(level, metric):
            return self.results[topology.key][f"{case}{level}.{metric}"][self.sample]

        self.keep(topology, case, **{f"{what}_growth": kept(many, metric) / kept(few, metric)
                  for what, metric in (("connect", "connect.first_http_p50"),
                                       ("ping", "ping.p50"))})

    # ---- the whole

    def fail(self, text):
        self.failures.append(text)
        print(f"  ! {text}", file=sys.stderr, flush=True)

    def one(self, topology, case, n):
        name, times, method, arguments = case
        try:
            for i in range(times):
                self.sample = f"{n + 1}.{i + 1}"
                getattr(self, method)(topology, name, *arguments)
        except (Failure, subprocess.TimeoutExpired, OSError) as e:
            self.fail(str(e))
            try:
                self.restart(topology)
            except Failure as again:
                self.fail(str(again))

    def run(self):
        for topology in self.topologies:
            self.start(topology)
        begin = time.monotonic()
        for n in range(self.rounds):
            for i, case in enumerate(self.cases):
                shift = (n + i) % len(self.topologies)
                for topology in self.topologies[shift:] + self.topologies[:shift]:
                    if fnmatch.fnmatch(case[0], topology.cases):
                        self.one(topology, case, n)
            print(f"round {n + 1} of {self.rounds}, {time.monotonic() - begin:.0f} s",
                  file=sys.stderr, flush=True)

    def stop(self):
        for topology in self.topologies:
            topology.stop()
        self.backend.stop()

    def facts(self, options):
        def said(*command):
            done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
            return done.stdout.strip()

        model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
        packages = said("dpkg-query", "-W", "-f", "${Package} ${Version}\n", "nginx",
                        "haproxy", "sniproxy")
        return {"commit": said("git", "describe", "--always", "--dirty"),
                "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                "kernel": platform.release(), "cpus": measure.CPUS,
                "cpu": model[1] if model else platform.machine(), "busy": measure.busy(),
                "peers": packages.splitlines(), "rounds": self.rounds, "quick": options.quick,
                "key": options.key}


# Name, times in a round, method, arguments (the last number: seconds). One connection lives on the
# processors where it happened to begin, so those cases run more than once.
CASES = (
    ("connect1", 1, "connect", (1, 2.0)),
    ("connect25", 1, "connect", (25, 1.5)),
    ("connect100", 1, "connect", (100, 1.5)),
    ("ping1", 3, "ping", (1, 0.4)),
    ("ping64", 1, "ping", (64, 1.2)),
    ("tls1", 2, "ping", (1, 0.4, True)),
    ("tls64", 1, "ping", (64, 1.0, True)),
    ("down1", 2, "bulk", (1, False, 0.8)),
    ("up1", 2, "bulk", (1, True, 0.8)),
    ("down8", 1, "bulk", (8, False, 1.2)),
    ("up8", 1, "bulk", (8, True, 1.2)),
    ("idle", 1, "idle", (0.8,)),
)


def variant(text):
    name, _, file = text.partition("=")
    try:
        return name, json.loads(Path(file).read_text())
    except (OSError, ValueError) as e:
        raise argparse.ArgumentTypeError(f"{text}: {e}") from None


def parse():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument("--output", type=Path, default=ROOT / "build/bench")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--paths", action="store_true")
    parser.add_argument("--key", choices=("rsa", "ecdsa"), default="rsa")
    parser.add_argument("--variant", action="append", default=[], type=variant,
                        metavar="NAME=FILE")
    parser.add_argument("--only", metavar="PATTERN", help="cases, as in connect*")
    parser.add_argument("--topologies", metavar="NAME,...")
    return parser.parse_args()


def main():
    options = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what runs is stopped on the way out
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    bench = Bench(options)
    facts = bench.facts(options)
    try:
        bench.run()
    finally:
        bench.stop()
    titles = {t.key: t.title for t in bench.topologies}
    result = {"facts": facts, "titles": titles, "results": bench.results,
              "failures": bench.failures}
    (bench.dir / "result.json").write_text(json.dumps(result, indent=1))
    text = report.text(result)
    (bench.dir / "result.md").write_text(text)
    print(text)
    plots.draw(result, bench.dir)
    print(f"Written: {bench.dir}/result.json, result.md, *.svg, *.png")
    return 1 if bench.failures else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as e:
        sys.exit(f"error: {e}")
    except KeyboardInterrupt:
        sys.exit(130)
