# SPDX-License-Identifier: BSD-2-Clause
"""What a soak has shown, for people (Markdown) and for programs (JSON)."""

from collections import Counter

import world as w

MIB = 1024 * 1024
OUTCOMES = ("exact", "reset as asked", "cut by a kill", "refused", "wrong")


def percentiles(times):
    """Milliseconds, of a sorted list of seconds."""
    if not times:
        return {}
    at = {"p50": len(times) // 2, "p99": len(times) * 99 // 100, "max": len(times) - 1}
    return {"n": len(times), **{name: round(times[i] * 1000, 1) for name, i in at.items()}}


def of_leg(leg):
    names = sorted({s.name for s in leg.samples})
    held = {}
    for name in names:
        own = [s for s in leg.samples if s.name == name]
        held[name] = {"most_memory": max(s.memory for s in own), "last_memory": own[-1].memory,
                      "growth": leg.growth.get(name), "most_fds": max(s.fds for s in own),
                      "last_fds": own[-1].fds, "threads": own[-1].threads,
                      "most_entries": max(sum(s.entries.values()) for s in own)}
    return {"forwarding": leg.forwarding, "seconds": round(leg.lasted, 1),
            "outcomes": dict(leg.counts()),
            "kinds": {kind: dict(c) for kind, c in sorted(leg.ledger.counts.items())},
            "bytes": dict(leg.ledger.bytes), "paths": leg.paths,
            "faults": dict(Counter(f"{f.kind} {f.target}" if f.kind in ("kill", "stop") else f.kind
                                   for f in leg.ledger.faults)),
            "latency_ms": percentiles(leg.ledger.quiet()), "processes": held, "slab": leg.slab,
            "complaints": leg.complaints, "wrong": leg.ledger.wrong, "problems": leg.problems,
            "samples": [s.as_dict() for s in leg.samples]}


def collect(legs, seed, kernel, kernel_lines, earlier):
    legs = [of_leg(leg) for leg in legs]
    outcomes = sum((Counter(leg["outcomes"]) for leg in legs), Counter())
    faults = sum((Counter(leg["faults"]) for leg in legs), Counter())
    clean = legs and not kernel_lines and not any(leg["wrong"] or leg["problems"] for leg in legs)
    return {"clean": bool(clean), "seed": seed, "kernel": kernel, "sanitized": w.SANITIZED,
            "seconds": sum(leg["seconds"] for leg in legs), "outcomes": dict(outcomes),
            "faults": dict(faults), "kernel_log": kernel_lines, "kernel_log_before": earlier,
            "legs": legs}


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(str(cell) for cell in line) + " |" for line in lines] + [""]


def mib(n):
    return "" if n is None else f"{n / MIB:,.1f}"


def markdown(data):
    total = data["outcomes"]
    lines = [
        f"# Soak: {'clean' if data['clean'] else 'NOT CLEAN'}", "",
        f"{data['seconds'] / 60:.1f} minutes of load, seed {data['seed']}, Linux {data['kernel']}"
        + (", with sanitizers" if data["sanitized"] else "")
        + (", ended early by a signal" if data["ended_early"] else "") + ". "
        + ", ".join(f"{n:,} {name}" for name, n in sorted(total.items())) + ".", ""]
    kinds = sorted({kind for leg in data["legs"] for kind in leg["kinds"]})
    rows = []
    for kind in kinds:
        counts = sum((Counter(leg["kinds"].get(kind, {})) for leg in data["legs"]), Counter())
        size = sum(leg["bytes"].get(kind, 0) for leg in data["legs"])
        rows.append([kind, *(f"{counts[o]:,}" if counts[o] else "" for o in OUTCOMES), mib(size)])
    lines += ["## Connections", "", *table(["kind", *OUTCOMES, "MiB"], rows)]
    lines += ["## Ways of forwarding", ""]
    rows = []
    for leg in data["legs"]:
        for path, (n, size, kernel) in sorted(leg["paths"].items()):
            rows.append([leg["forwarding"], path, f"{n:,}", mib(size), mib(kernel)])
    lines += table(["setting", "path", "connections", "MiB", "by the kernel"], rows)
    rows = [[leg["forwarding"], *(leg["latency_ms"].get(k, "") for k in ("n", "p50", "p99", "max"))]
            for leg in data["legs"]]
    lines += ["Short TLS requests while no fault was under way, in ms:", "",
              *table(["setting", "requests", "p50", "p99", "max"], rows)]
    lines += ["## Faults", "", *table(["fault", "times"], sorted(data["faults"].items()))]
    lines += ["## What the processes held", "",
              "Growth: at the end, when all was closed, less when it was warm and under load.", ""]
    rows = [[leg["forwarding"], name, mib(p["most_memory"]), mib(p["last_memory"]),
             mib(p["growth"]), p["most_fds"], p["last_fds"], p["threads"], p["most_entries"]]
            for leg in data["legs"] for name, p in leg["processes"].items()]
    lines += table(["setting", "process", "most MiB", "last", "growth", "most fds", "last",
                    "threads", "most map entries"], rows)
    for leg in data["legs"]:
        changed = ", ".join(f"{k} {n:+}" for k, n in sorted(leg["slab"].items()))
        lines.append(f"Slab objects of the machine, {leg['forwarding']}: {changed}")
    if data["kernel_log_before"]:
        lines += ["", "Before this began, the kernel had already complained, and may say it only "
                  "once: " + "; ".join(data["kernel_log_before"][:5])]
    lines += ["", *problems(data), *complaints(data)]
    return "\n".join(lines)


def problems(data):
    found = [f"the kernel's log: {line}" for line in data["kernel_log"]]
    for leg in data["legs"]:
        found += [f"{leg['forwarding']}: {text}" for text in leg["wrong"][:50] + leg["problems"]]
    return ["## What went wrong", "", *(f"- {text}" for text in found), ""] if found else []


def complaints(data):
    total = {}
    for leg in data["legs"]:
        for name, texts in leg["complaints"].items():
            for text, n in texts.items():
                total[name, text] = total.get((name, text), 0) + n
    rows = [[name, n, text] for (name, text), n in sorted(total.items())]
    head = ["process", "times", "message"]
    return ["## What the processes complained of", "", *table(head, rows)] if rows else []


def last_line(data):
    """Passed: exact, or ended as a fault allows. Each other problem counts as one that failed."""
    wrong = data["outcomes"].get("wrong", 0)
    failed = wrong + len(data["kernel_log"]) + sum(len(leg["problems"]) for leg in data["legs"])
    return f"{sum(data['outcomes'].values()) - wrong} passed, {failed} failed, 0 skipped"
