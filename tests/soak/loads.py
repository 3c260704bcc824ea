# SPDX-License-Identifier: BSD-2-Clause
"""The mixed load: lanes, each of which does one kind of thing over and over."""

import json
import random
import subprocess
import threading
import time

import world as w
from judge import Item
from peers import PEERS
from strangers import stranger

KIB, MIB = 1024, 1024 * 1024
LESS = 8 if w.SANITIZED else 1
LIMIT = 75  # seconds for everything that one start of the streamer does, on a machine at rest


def short(rng):
    end = rng.choice([[], ["--half-close"], ["--answer-late"]])
    return ["--up", rng.randint(0, 3000), "--down", rng.randint(0, 3000), "--write", "1-2000",
            "--connections", rng.randint(4, 16), "--total", rng.randint(16, 60), *end]


def talk(rng):
    turn = rng.choice([1, 16, 100, 250, 1000, 3000])
    size = turn * rng.randint(20, 200)
    return ["--ping", turn, "--up", size, "--down", size, "--nodelay", "--connections",
            rng.randint(4, 24), "--pause", f"{rng.choice([5, 30])}:{rng.choice([1000, 20000])}"]


def bulk(rng):
    n = rng.randint(2, 40) * MIB // LESS
    up, down = rng.choice([(n, 0), (0, n), (n // 2, n // 2), (n, n // 8)])
    more = rng.choice([[], [], ["--half-close"], ["--pause", "10:5000"], ["--rcvbuf", 16384],
                       ["--sndbuf", 8192, "--nodelay"]])
    c = rng.choice([1, 1, 2, 8])
    return ["--up", up // c, "--down", down // c, "--connections", c, "--write",
            rng.choice(["1-262144", "65536", "1000-9000"]), *more]


def slow(rng):
    rate = rng.choice([128, 512, 2048]) * KIB
    return ["--down", rate * rng.randint(2, 6), "--up", rng.randint(0, 200000), "--read-rate", rate,
            "--rcvbuf", rng.choice([4096, 16384, 65536]), "--connections", rng.randint(1, 6)]


def stops(rng):
    return ["--down", rng.randint(4, 12) * MIB // LESS, "--up", rng.randint(0, 100000), "--stall",
            f"{rng.randint(0, 2 * MIB) // LESS}:{rng.randint(500, 6000)}", "--rcvbuf",
            rng.choice([8192, 65536]), "--connections", rng.randint(1, 6)]


def half_close(rng):
    how = rng.choice(["--half-close", "--answer-late"])
    return ["--up", rng.choice([0, 1, 70000, MIB]), "--down", rng.choice([0, 1, 70000, MIB]), how,
            "--connections", rng.randint(2, 8), "--total", rng.randint(8, 30)]


def idle(rng):
    return ["--ping", 200, "--up", 1600, "--down", 1600, "--pause", "100:2500000", "--connections",
            rng.randint(10, 60)]


def abort(rng):
    n = rng.choice([1, 1000, 100000, 3 * MIB])
    how = rng.choice(["--reset-sent", "--reset-received"])
    # More than that each way, so that it always comes to it.
    return ["--up", 2 * n + 100, "--down", 2 * n + 100, how, n, "--connections", rng.randint(2, 8),
            "--total", rng.randint(4, 20), "--write", "1-65536"]


# kind → what a start of the streamer does, lanes, longest pause between two starts
STREAMS = {
    "short": (short, 2, 0.6),
    "talk": (talk, 3, 0.4),
    "bulk": (bulk, 3, 0.3),
    "slow reader": (slow, 2, 0.5),
    "reader that stops": (stops, 2, 0.5),
    "half-close": (half_close, 1, 0.5),
    "idle": (idle, 2, 0.5),
    "abort": (abort, 2, 0.5),
}


class Loads:
    """`stop` ends it: each lane finishes what it is at."""

    def __init__(self, world, ledger, seed, log):
        self.world, self.ledger, self.log = world, ledger, log
        self.stop = threading.Event()
        self.running = {}  # source address → kind, of the streamers under way
        self.lock = threading.Lock()
        self.threads = []
        lanes = [(kind, n, self._stream, make, pause) for kind, (make, n, pause) in STREAMS.items()]
        lanes += [(kind, n, self._peer, ask, pause) for kind, (ask, n, pause) in PEERS.items()]
        lanes += [("stranger", 2, self._peer, stranger, 0.3)]
        for kind, n, run, what, pause in lanes:
            for i in range(n):
                rng = random.Random(f"{seed}/{kind}/{i}")
                args = (kind, len(self.threads), rng, run, what, pause)
                self.threads.append(threading.Thread(target=self._lane, args=args, name=kind))

    def start(self):
        for thread in self.threads:
            thread.start()

    def finish(self, seconds):
        """Names of lanes that do not come to an end."""
        self.stop.set()
        deadline = time.monotonic() + seconds
        for thread in self.threads:
            thread.join(max(0, deadline - time.monotonic()))
        return [thread.name for thread in self.threads if thread.is_alive()]

    def _lane(self, kind, lane, rng, run, what, pause):
        turn = 0
        while not self.stop.is_set():
            turn += 1
            try:
                run(kind, lane, turn, rng, what)
            except Exception as e:  # a lane that ends by itself would go unnoticed
                now = time.monotonic()
                self.ledger.add(Item(kind, now, now, False, f"wrong answer of the driver: {e!r}"))
                self.log(f"{kind}: {e!r}")
            self.stop.wait(rng.uniform(0, pause) * w.SLOW)

    def _peer(self, kind, _lane, _turn, rng, ask):
        for item in ask(self.world, rng):
            item.kind = kind
            self.ledger.add(item)
            if kind == "request" and item.ok:
                self.ledger.latency(item.began, item.ended - item.began)

    def _stream(self, kind, lane, turn, rng, make):
        # A source address of its own tells whose a socket is.
        source = f"127.{16 + lane}.{turn >> 8 & 255}.{turn & 255}"
        seed = lane * 100000 + turn % 100000 + 1
        command = [w.TOOLS / "streamer", "client", "127.0.0.1", self.world.ports["tls"], "--hello",
                   w.STREAM_NAME, "--from", source, "--each", "--timeout", LIMIT * w.SLOW,
                   "--seed", seed, *make(rng)]
        began = time.monotonic()
        with self.lock:
            self.running[source] = kind
        try:
            done = subprocess.run([str(c) for c in command], capture_output=True, text=True,
                                  timeout=(LIMIT + 15) * w.SLOW, start_new_session=True)
            failed = self._report(kind, source, began, command, done)
        except subprocess.TimeoutExpired:
            failed = 1
            self.ledger.add(Item(kind, began, time.monotonic(), False, "the streamer hangs",
                                 source=source, what=str(command)))
        finally:
            with self.lock:
                del self.running[source]
        if failed:  # nobody is there for the moment, say
            self.stop.wait(0.5)

    def _report(self, kind, source, began, command, done):
        what = " ".join(str(word) for word in command[6:])
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        for said in lines[:-1]:
            self.ledger.add(Item(kind, said["began_us"] / 1e6, said["ended_us"] / 1e6, said["ok"],
                                 said["why"], said["end"], said["received"], said["sent"],
                                 said["id"], source, what))
        failed = sum(not said["ok"] for said in lines[:-1])
        missing = lines[-1]["failed"] - failed if lines else 1
        if missing:
            self.ledger.add(Item(kind, began, time.monotonic(), False,
                                 f"{missing} connections never began: {done.stderr[-200:]}",
                                 source=source, what=what))
        return failed + missing
