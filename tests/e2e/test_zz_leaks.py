# SPDX-License-Identifier: BSD-2-Clause
"""After all others: nothing is left of what the shared world has been through."""

import os

import pytest

import world as w

PROXIES = ("public-proxy", "private-proxy")
DAEMONS = (*PROXIES, "public-relay", "private-relay")


@pytest.mark.parametrize("name", DAEMONS)
def test_descriptors_are_back(shared, name):
    assert shared.get()
    process = shared[name]

    def back():
        lasting, kept = process.lasting_fds(shared.control_ports)
        # Of each kind of call at most eight connections are kept.
        return lasting == process.first_fds and kept <= 24

    try:
        w.wait_until(back, 20, "descriptors are back")
    except AssertionError:
        raise AssertionError(f"{name} had {process.first_fds} descriptors, now "
                             f"{process.lasting_fds(shared.control_ports)}: {process.fds()}"
                             ) from None


@pytest.mark.skipif(os.geteuid() != 0, reason="bpftool needs root")
def test_maps_are_empty(shared):
    for name in PROXIES:
        maps = shared[name].maps()
        for kind in ("peers", "slots"):
            if kind in maps:
                w.wait_until(lambda n=name, k=kind: not shared[n].map_entries(k), 20,
                             f"{name}: {kind} is empty")


def test_all_still_run(shared):
    for name in DAEMONS:
        assert shared[name].running(), shared[name].log()[-3000:]


def test_no_error_was_logged(shared):
    for name in DAEMONS:
        errors = [l for l in shared[name].log().splitlines() if " ERROR " in l]
        assert not errors, errors[:10]
