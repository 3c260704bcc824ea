# SPDX-License-Identifier: BSD-2-Clause
"""Warnings of the kernel that are its own, and that nothing outside of it can
avoid. Each is shown where it was seen and fails nothing; everything else that a
kernel complains of fails its run."""

import re


class Bug:
    """A WARNING in one function, called from another, on some kernels."""

    def __init__(self, kernels, function, caller, why):
        self.kernels, self.why = re.compile(kernels), why
        self.function = re.compile(rf"WARNING: .*\b{function}\b")
        self.caller = re.compile(rf"\b{caller}\+0x")

    def matches(self, release, report):
        return bool(self.kernels.match(release) and self.function.search(report[0]) and
                    any(self.caller.search(line) for line in report))


BUGS = [
    Bug(r"(6|7)\.", "inet_sock_destruct", "sk_psock_destroy",
        "the worker charges a passed skb to its socket without the socket's lock, against the "
        "softirq (docs/kernel.md, \"Warnings that stay\")"),
]

END = re.compile(r"---\[ end trace ")


def report_at(lines, i, most=80):
    """The lines of the report that begins at line i; None if it has no end."""
    for j in range(i + 1, min(i + most, len(lines))):
        if END.search(lines[j]):
            return lines[i:j + 1]
        if "[ cut here ]" in lines[j]:
            return None
    return None


def find(release, report):
    """The bug of the table that this report is, or None."""
    for bug in BUGS:
        if report and bug.matches(release, report):
            return bug
    return None
