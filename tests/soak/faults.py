# SPDX-License-Identifier: BSD-2-Clause
"""Faults at random: when, which and at whom comes from the seed alone."""

import os
import random
import resource
import signal
import subprocess
import time

import measure as m
import world as w
from judge import ACCEPT_TIMEOUT, Fault

RELAYS = ("public-relay", "private-relay")
# How often each comes in a round; all of them come before any comes again.
BAG = ["stop"] * 5 + ["reset one"] * 3 + ["reset inside"] * 2 + ["descriptors"] * 2 + \
    ["loss"] * 3 + ["kill relay"] * 2 + ["kill private-proxy", "kill public-proxy"]
# After a relay or proxy is back, its neighbours' back-off ends, and announcements are made anew.
BACK = 8 * w.SLOW


def ss_kill(condition):
    """How many sockets were destroyed: what `ss -K` prints."""
    done = subprocess.run(["ss", "-KHtn", "state", "established", condition], capture_output=True,
                          text=True, timeout=20)
    return len([line for line in done.stdout.splitlines() if line.strip()])


def nft(*lines):
    return subprocess.run(["nft", "; ".join(lines)], capture_output=True, text=True, timeout=20)


class Faults:
    """`own_net`: the network namespace is ours, the wire may be harmed. `guard`: held while a
    process is not there or does not answer, against those who look at processes."""

    def __init__(self, world, ledger, loads, guard, seed, own_net, log):
        self.world, self.ledger, self.loads, self.guard = world, ledger, loads, guard
        self.rng, self.own_net, self.log = random.Random(f"{seed}/faults"), own_net, log
        self.bag = []
        self.left_out = set()
        self.kinds = {"stop": self.stop, "reset one": self.reset_one, "loss": self.loss,
                      "reset inside": self.reset_inside, "descriptors": self.descriptors,
                      "kill relay": lambda: self.kill(self.rng.choice(RELAYS)),
                      "kill private-proxy": lambda: self.kill("private-proxy"),
                      "kill public-proxy": lambda: self.kill("public-proxy")}
        if not own_net:
            self.left_out |= {"loss", "reset one", "reset inside"}

    def next(self):
        if not self.bag:
            self.bag = [kind for kind in BAG if kind not in self.left_out]
            self.rng.shuffle(self.bag)
        self.kinds[self.bag.pop()]()

    def _begin(self, kind, target, excuse):
        fault = Fault(kind, target, excuse, time.monotonic())
        self.ledger.faults.append(fault)
        return fault

    def _over(self, fault, grace=0):
        fault.over(time.monotonic(), grace)
        self.log(f"fault: {fault.kind} {fault.target}, {fault.end - fault.begin:.1f} s")

    # ---- processes

    def stop(self):
        name = self.rng.choice((*m.PROXIES, *RELAYS))
        seconds = self.rng.uniform(0.1, 3)
        with self.guard:
            fault = self._begin("stop", name, None)
            os.kill(self.world[name].pid, signal.SIGSTOP)
            try:
                time.sleep(seconds)
            finally:
                os.kill(self.world[name].pid, signal.SIGCONT)
        self._over(fault)

    def kill(self, name):
        relay = name in RELAYS
        down = self.rng.uniform(0, 2)
        with self.guard:
            fault = self._begin("kill", name, "new" if relay else "cut")
            self.world[name].kill()
            time.sleep(down)
            self.world[name].start()
            self.world.wait_ready(20)
        self._over(fault, BACK)

    def descriptors(self):
        """No descriptor more for a proxy: what is open goes on, who comes waits or is refused."""
        name = self.rng.choice(m.PROXIES)
        seconds = self.rng.uniform(0.5, 3)
        process = self.world[name]
        usual = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
        fault = self._begin("descriptors", name, "new")
        highest = max(int(fd) for fd in os.listdir(f"/proc/{process.pid}/fd"))
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (highest + 1, usual[1]))
        try:
            time.sleep(seconds)
        finally:
            resource.prlimit(process.pid, resource.RLIMIT_NOFILE, usual)
        self._over(fault, ACCEPT_TIMEOUT + 2)

    # ---- sockets and the wire

    def reset_one(self):
        """The public proxy's sockets of one source."""
        with self.loads.lock:
            sources = sorted(self.loads.running)
        if not sources:
            return
        source = self.rng.choice(sources)
        fault = self._begin("reset one", source, "reset")
        fault.source = source
        n = ss_kill(f"( sport = :{self.world.ports['tls']} and dst {source} )")
        self._over(fault)
        self.log(f"       {n} sockets")

    def reset_inside(self):
        """One socket between the proxies, or to the streaming server, whosever it is."""
        port = self.rng.choice([self.world.ports["internal"], self.world.stream_port])
        side = self.rng.choice(["local", "peer"])
        found = sorted({s.peer if side == "local" else s.local for s in m.sockets(self.world)
                        if s.state == "ESTAB" and getattr(s, side) == port})
        if not found:
            return
        other = self.rng.choice(found)
        here, there = ("sport", "dport") if side == "local" else ("dport", "sport")
        fault = self._begin("reset inside", side, "reset")
        fault.credit = ss_kill(f"( {here} = :{port} and {there} = :{other} )")
        self._over(fault)

    def loss(self):
        """Of all TCP packets in the namespace; TCP makes up for it. Not of handshakes: on loopback,
        one that is repeated may meet a RST of the kernel's own, which cannot be told from a fault
        of ours (docs/kernel.md, "Handshakes that are repeated")."""
        per_thousand = self.rng.choice([2, 5, 10, 20])
        seconds = self.rng.uniform(2, 5)
        fault = self._begin("loss", f"{per_thousand} ‰", None)
        done = nft("add table inet soak",
                   "add chain inet soak input { type filter hook input priority 0; }",
                   "add rule inet soak input tcp flags & syn == 0 "
                   f"numgen random mod 1000 < {per_thousand} drop")
        if done.returncode:
            self.ledger.faults.remove(fault)
            self.left_out.add("loss")
            self.log(f"no loss on the wire here: {done.stderr.strip().splitlines()[0]}")
            return
        try:
            time.sleep(seconds)
        finally:
            nft("delete table inet soak")
        self._over(fault)
