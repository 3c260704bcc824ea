# SPDX-License-Identifier: BSD-2-Clause
"""Bars with gnuplot: one plot a question, SVG and PNG."""

import subprocess

from report import Results

# file, title, unit, (metric, label)...
PLOTS = (
    ("new-connections", "A new connection, until the first HTTP byte", "ms",
     ("connect1.first_http_p50", "one at a time, p50"),
     ("connect1.first_http_p99", "one at a time, p99")),
    ("new-connections-parallel", "New connections at a time", "requests/s",
     ("connect1.rate", "1"), ("connect25.rate", "25"), ("connect100.rate", "100")),
    ("requests-latency", "100 B request and answer on an open connection", "µs",
     ("ping1.p50", "p50"), ("ping1.p99", "p99")),
    ("requests-rate", "100 B requests and answers on 64 connections", "requests/s",
     ("ping64.rate", "plain"), ("tls64.rate", "inside TLS")),
    ("bulk", "Bulk data", "Gbit/s",
     ("down1.gbit_s", "down, 1"), ("up1.gbit_s", "up, 1"),
     ("down8.gbit_s", "down, 8"), ("up8.gbit_s", "up, 8")),
    ("bulk-cpu", "Processor time of everything for bulk data", "s/GB",
     ("down1.cpu_machine", "down, 1"), ("up1.cpu_machine", "up, 1"),
     ("down8.cpu_machine", "down, 8"), ("up8.cpu_machine", "up, 8")),
    ("memory", "Memory for each quiet connection, at 4,000", "KiB",
     ("idle4000.user", "user"), ("idle4000.slab", "slab, with client and server")),
    ("growth", "A new connection beside open ones, p50", "ms",
     ("idle10.connect.first_http_p50", "10 open"),
     ("idle1000.connect.first_http_p50", "1,000 open"),
     ("idle4000.connect.first_http_p50", "4,000 open")),
)

SCRIPT = """
set terminal {terminal}
set output "{output}"
set title "{title}"
set ylabel "{unit}"
set yrange [0:*]
set style data histogram
set style histogram errorbars gap 1.5 lw 1
set style fill solid 0.8 border -1
set boxwidth 0.9
set grid ytics lc rgb "#cccccc"
set key outside right top
set xtics nomirror
$data << EOD
{data}
EOD
plot {columns}
"""


def _data(results, titles, metrics):
    """A row a metric; for each topology median, smallest, largest."""
    for metric, label in metrics:
        row = [f'"{label}"']
        for topology in titles:
            values = results.values(topology, metric)
            row += [str(v) for v in ((results.median(topology, metric), min(values), max(values))
                                     if values else ("NaN",) * 3)]
        yield " ".join(row)


def draw(result, directory):
    results = Results(result)
    for name, title, unit, *metrics in PLOTS:
        titles = {t: text for t, text in result["titles"].items()
                  if any(results.values(t, m) for m, _ in metrics)}
        if not titles:
            continue
        columns = ", ".join(
            f"$data using {3 * i + 2}:{3 * i + 3}:{3 * i + 4}:xtic(1) title \"{text}\""
            for i, text in enumerate(titles.values()))
        for kind, terminal in (("svg", "svg size 900,480 font 'sans,13' background 'white'"),
                               ("png", "pngcairo size 900,480 font 'sans,11'")):
            script = SCRIPT.format(terminal=terminal, output=directory / f"{name}.{kind}",
                                   title=title, unit=unit, columns=columns,
                                   data="\n".join(_data(results, titles, metrics)))
            subprocess.run(["gnuplot"], input=script, text=True, check=True)
