# SPDX-License-Identifier: BSD-2-Clause
"""Tables in Markdown from a result: medians, spread, ratios to direct, and the goals."""

from statistics import median

PEERS = ("nginx", "haproxy", "sniproxy")

# Title, then rows: metric, unit, decimals. A case whose rows are all empty is left out.
_CPU_REQUEST = (("cpu_machine", "CPU of everything, {u}/request"),
                ("cpu_proxies", "CPU of the proxies, {u}/request"),
                ("cpu_kernel", "CPU of kernel threads, {u}/request"))


def _connect(case, title):
    return title, [
        (f"{case}.first_tls_p50", "first TLS byte, p50, ms", 2),
        (f"{case}.first_tls_p99", "first TLS byte, p99, ms", 2),
        (f"{case}.first_http_p50", "first HTTP byte, p50, ms", 2),
        (f"{case}.first_http_p99", "first HTTP byte, p99, ms", 2),
        (f"{case}.rate", "requests/s", 0),
        *((f"{case}.{m}", t.format(u="ms"), 3) for m, t in _CPU_REQUEST),
    ]


def _ping(case, title):
    return title, [
        (f"{case}.p50", "p50, µs", 1),
        (f"{case}.p99", "p99, µs", 1),
        (f"{case}.rate", "requests/s", 0),
        *((f"{case}.{m}", t.format(u="µs"), 2) for m, t in _CPU_REQUEST),
    ]


def _bulk(case, title):
    return title, [
        (f"{case}.gbit_s", "Gbit/s", 2),
        (f"{case}.cpu_machine", "CPU of everything, s/GB", 3),
        (f"{case}.cpu_proxies", "CPU of the proxies, s/GB", 3),
        (f"{case}.cpu_kernel", "CPU of kernel threads, s/GB", 3),
    ]


TABLES = [
    _connect("connect1", "New connections, one after the other"),
    _connect("connect25", "New connections, 25 at a time"),
    _connect("connect100", "New connections, 100 at a time"),
    _ping("ping1", "100 B requests and answers on 1 open connection"),
    _ping("ping64", "100 B requests and answers on 64 open connections"),
    _ping("tls1", "HTTP keep-alive inside TLS on 1 open connection"),
    _ping("tls64", "HTTP keep-alive inside TLS on 64 open connections"),
    _bulk("down1", "Download over 1 connection"),
    _bulk("up1", "Upload over 1 connection"),
    _bulk("down8", "Download over 8 connections"),
    _bulk("up8", "Upload over 8 connections"),
    ("Quiet open connections", [
        ("idle1000.user", "user memory per connection at 1,000, all processes, KiB", 2),
        ("idle4000.user", "user memory per connection at 4,000, all processes, KiB", 2),
        ("idle4000.pss", "PSS at 4,000, all processes, MiB", 1),
        ("idle1000.slab", "slab per connection at 1,000, with client and server, KiB", 2),
        ("idle4000.slab", "slab per connection at 4,000, with client and server, KiB", 2),
        ("idle10.connect.first_http_p50", "new connection at 10 open, p50, ms", 2),
        ("idle1000.connect.first_http_p50", "new connection at 1,000 open, p50, ms", 2),
        ("idle4000.connect.first_http_p50", "new connection at 4,000 open, p50, ms", 2),
        ("idle.connect_growth", "new connection, 4,000 open over 10 open", 2),
        ("idle.ping_growth", "100 B in turns, 4,000 open over 10 open", 2),
    ]),
]


class Results:
    def __init__(self, result):
        self.all = result["results"]

    def values(self, topology, metric):
        return list(self.all.get(topology, {}).get(metric, {}).values())

    def median(self, topology, metric):
        values = self.values(topology, metric)
        return median(values) if values else None

    def paired(self, topology, metric, base, combine):
        """Median over the rounds of combine(value, the base's value in the same round)."""
        ours, theirs = (self.all.get(t, {}).get(metric, {}) for t in (topology, base))
        both = [combine(ours[n], theirs[n]) for n in ours if n in theirs]
        return median(both) if both else None

    def ratio(self, topology, metric):
        values = self.values("direct", metric)
        if topology == "direct" or not values or min(values) <= 0:
            return None
        if metric.endswith(("_growth", ".cpu_kernel")):  # a ratio already; and next to nothing
            return None
        return self.paired(topology, metric, "direct", lambda a, b: a / b)

    def best(self, metric, choose):
        """(value, key) of the best chain of peers."""
        found = [(self.median(p, metric), p) for p in PEERS if self.values(p, metric)]
        return choose(found) if found else (None, None)


def _number(value, decimals):
    return f"{value:,.{decimals}f}"


def _cell(results, topology, metric, decimals):
    values = results.values(topology, metric)
    if not values:
        return "–"
    text = f"**{_number(median(values), decimals)}**"
    if len(values) > 1:
        text += f" ({_number(min(values), decimals)}–{_number(max(values), decimals)})"
    ratio = results.ratio(topology, metric)
    return text if ratio is None else f"{text} ×{ratio:.2f}"


def _rows(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def _tables(result, results):
    titles = result["titles"]
    for title, rows in TABLES:
        kept = [(label, metric, decimals) for metric, label, decimals in rows
                if any(results.values(t, metric) for t in titles)]
        if kept:
            yield f"### {title}"
            yield ""
            yield from _rows(["", *titles.values()],
                             [[label, *(_cell(results, t, metric, decimals) for t in titles)]
                              for label, metric, decimals in kept])
            yield ""


# ---- goals

def _goal(what, goal, reached, met):
    return [what, goal, reached, {True: "yes", False: "**no**", None: "–"}[met]]


def _against_peers(results, titles, ours, what, metric, decimals, goal, factor, lower):
    """Ours is to be at most (`lower`) or at least `factor` times the best chain of peers."""
    mine = results.median(ours, metric)
    best, peer = results.best(metric, min if lower else max)
    if mine is None or best is None:
        return _goal(what, goal, "not measured", None)
    met = mine <= factor * best if lower else mine >= factor * best
    return _goal(what, goal, f"{_number(mine, decimals)}; {titles[peer]}: "
                 f"{_number(best, decimals)}; × {mine / best:.2f}", met)


def _limit(what, goal, value, limit, text, lower=True):
    if value is None:
        return _goal(what, goal, "not measured", None)
    return _goal(what, goal, text.format(value), value <= limit if lower else value >= limit)


def goals(result, ours):
    """Rows: what, goal, reached, met?"""
    results, titles = Results(result), result["titles"]
    http = "first_http_"
    for chain, limit, text in ((ours, 0.5, "≤ +0.5 ms with parked connections"),
                               (f"{ours}-rendezvous", 1.2, "≤ +1.2 ms without")):
        if chain in titles:
            yield _limit("new connection, first HTTP byte, p50 over direct", text,
                         results.paired(chain, f"connect1.{http}p50", "direct",
                                        lambda a, b: a - b), limit, "{:+.2f} ms")
    yield _limit("p99 of the same", "≤ direct + 3 ms",
                 results.paired(ours, f"connect1.{http}p99", "direct", lambda a, b: a - b), 3,
                 "{:+.2f} ms")
    yield _limit("25 parallel new connections, requests/s", "≥ 0.85 × direct",
                 results.ratio(ours, "connect25.rate"), 0.85, "× {:.2f}", lower=False)
    yield _limit("CPU of all our processes per request", "≤ 0.3 ms",
                 results.median(ours, "connect25.cpu_proxies"), 0.3, "{:.3f} ms")
    yield _against_peers(results, titles, ours, "1 connection, 100 B in turns, p50, µs",
                         "ping1.p50", 1, "≤ the best chain of peers", 1, True)
    yield _against_peers(results, titles, ours, "64 connections of the same, requests/s",
                         "ping64.rate", 0, "≥ the best chain of peers", 1, False)
    for case, text in (("down1", "download, 1 connection"), ("up1", "upload, 1 connection"),
                       ("down8", "download, 8 connections"), ("up8", "upload, 8 connections")):
        yield _against_peers(results, titles, ours, f"{text}, Gbit/s", f"{case}.gbit_s", 2,
                             "≥ 1.2 × the best chain of peers", 1.2, False)
    for case, text in (("down1", "download, 1 connection"), ("up1", "upload, 1 connection"),
                       ("down8", "download, 8 connections"), ("up8", "upload, 8 connections")):
        yield _against_peers(results, titles, ours, f"CPU of everything, {text}, s/GB",
                             f"{case}.cpu_machine", 3, "≤ 0.8 × the best chain of peers", 0.8, True)
    for side in ("public", "private"):
        yield _limit(f"user memory per quiet connection, {side} proxy", "≤ 2 KiB",
                     results.median(ours, f"idle4000.user_{side}-proxy"), 2, "{:.2f} KiB")
    for side in ("public", "private"):
        yield _limit(f"user memory at 4,000 connections, {side} proxy (PSS)", "≤ 20 MiB",
                     results.median(ours, f"idle4000.pss_{side}-proxy"), 20, "{:.1f} MiB")
    yield _limit("new connection with 4,000 open over 10 open, p50", "≤ × 1.3",
                 results.median(ours, "idle.connect_growth"), 1.3, "× {:.2f}")


def _headroom(results, titles):
    """How much of its one thread the load generator needed where nothing was in between."""
    busy = [(case, results.median("direct", f"{case}.load_busy")) for case in
            ("connect25", "connect100", "ping64", "down8", "up8")]
    return ", ".join(f"{case} {100 * value:.0f} %" for case, value in busy if value is not None)


def text(result):
    results, titles, facts = Results(result), result["titles"], result["facts"]
    lines = ["# Benchmark", "",
             f"{facts['date']}, commit {facts['commit']}, kernel {facts['kernel']}, "
             f"{facts['cpus']} processors ({facts['cpu']}), busy with other things "
             f"before the start {100 * facts['busy']:.0f} %, certificate {facts['key']}, {facts['rounds']} round(s)"
             f"{', quick' if facts['quick'] else ''}; {', '.join(facts['peers'])}", "",
             "Median over the rounds (smallest–largest) × ratio to direct, paired by round.", ""]
    lines += _tables(result, results)
    busy = _headroom(results, titles)
    if busy:
        lines += [f"The load generator's thread without a proxy in between was busy: {busy}.", ""]
    for ours in titles:
        if ours.startswith("passage") and ours != "passage-rendezvous":
            lines += [f"## Goals: {titles[ours]}", ""]
            lines += _rows(["", "goal", "reached", "met?"], goals(result, ours)) + [""]
    if result["failures"]:
        lines += ["## Not measured", "", *(f"- {f.splitlines()[0]}" for f in result["failures"]), ""]
    return "\n".join(lines)
