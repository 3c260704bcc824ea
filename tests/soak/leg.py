# SPDX-License-Identifier: BSD-2-Clause
"""One leg: a world of its own with one way of forwarding, from the first byte to the last check."""

import random
import shutil
import subprocess
import threading
import time
from collections import Counter

import measure as m
import watch
import world as w
from faults import Faults
from judge import ACCEPT_TIMEOUT, Ledger
from loads import LIMIT, Loads

LIMITS = {"idle_timeout": "15s", "drain_timeout": "10s"}


def set_up(folder, forwarding):
    # In a session of their own: what a terminal sends is for us alone.
    prefixes = {name: ("setsid",) for name in (*w.World.ORDER, "streamer")}
    world = w.World(folder, parked=(4, 16), prefixes=prefixes)
    m.set_up(world, forwarding, LIMITS)
    world.extra("public-proxy-1", {"public": {"accept_timeout": f"{ACCEPT_TIMEOUT}s"}},
                "920_timeout")
    for process in world.processes.values():
        process.command = ["info" if word == "debug" else word for word in process.command]
    return world


class Leg:
    """`folder`: for settings and logs, which stay if something went wrong. `stop`: an event that
    ends it early. `own_net`: see Faults."""

    def __init__(self, folder, forwarding, seconds, seed, own_net, stop, log):
        self.folder = folder
        self.forwarding, self.seconds, self.seed = forwarding, seconds, f"{seed}/{forwarding}"
        self.own_net, self.stop, self.log = own_net, stop, log
        self.ledger, self.paths, self.complaints = Ledger(), {}, {}
        self.samples, self.slab, self.growth, self.lasted = [], {}, {}, 0.0
        self.problems = []

    def run(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        world = set_up(self.folder, self.forwarding)
        try:
            world.start().wait_ready()
            self._run(world)
        except (AssertionError, OSError, subprocess.SubprocessError) as e:
            self.problems.append(f"{type(e).__name__}: {str(e)[:3000]}")
        finally:
            self._end(world)
        if self.clean():
            shutil.rmtree(self.folder)
        return self

    def _run(self, world):
        guard = threading.RLock()
        loads = Loads(world, self.ledger, self.seed, self.log)
        eye = watch.Watch(world, guard, self.log)
        faults = Faults(world, self.ledger, loads, guard, self.seed, self.own_net, self.log)
        eye.idle()
        begin = time.monotonic()
        loads.start()
        try:
            self._load(eye, faults, begin)
        finally:
            self.lasted = time.monotonic() - begin
            self.log("no more load: what is under way comes to its end")
            hung = loads.finish((LIMIT + 30) * w.SLOW)
            self.problems += [f"{kind}: does not come to an end" for kind in hung]
            if eye.all_run():
                eye.comes_back(self.own_net)
            self.problems += eye.problems
            self.samples, self.slab = eye.samples, eye.slab
            self.growth = {name: m.memory_of(world[name]) - warm
                           for name, warm in eye.warm.items() if world[name].running()}

    def _load(self, eye, faults, begin):
        """Warm-up, then a fault now and then, and time at the end for what they did to be over."""
        warm_up, calm = min(20, self.seconds * 0.2), min(10, self.seconds * 0.1)
        gap = (1, 4) if self.seconds < 120 else (3, 10)
        every = min(60, self.seconds / 3)
        rng = random.Random(f"{self.seed}/gaps")
        self.stop.wait(warm_up)
        eye.look(warm=True)
        next_look = time.monotonic() + every
        while not self.stop.wait(rng.uniform(*gap)):
            left = begin + self.seconds - time.monotonic()
            if left < calm or not eye.all_run():
                break
            faults.next()
            if time.monotonic() > next_look:
                next_look += every
                self.log(f"{self.forwarding}: {time.monotonic() - begin:.0f} s, "
                         f"{self.counted()} connections")
                eye.look()
        if eye.all_run():
            self.stop.wait(max(0, begin + self.seconds - time.monotonic()))

    def _end(self, world):
        public = world["public-proxy"].log_path
        self.problems += [f"{name}: {what}" for name, what in world.stop().items()]
        self.ledger.judge(world["streamer"].log())
        if public.exists():
            self.paths = watch.bytes_per_path(public)
        for name in watch.DAEMONS:
            log = world[name].log_path
            self.complaints[name] = watch.complaints(log) if log.exists() else {}

    def counted(self):
        return sum(sum(c.values()) for c in self.ledger.counts.values())

    def counts(self):
        total = Counter()
        for counts in self.ledger.counts.values():
            total += counts
        return total

    def clean(self):
        return not self.problems and not self.ledger.wrong
