# SPDX-License-Identifier: BSD-2-Clause
import os
import signal
import subprocess
import faulthandler

import pytest

import world as w


def pytest_configure(config):
    config.addinivalue_line("markers", "limit(seconds): a longer time limit than 60 s")
    faulthandler.enable()


@pytest.fixture(autouse=True)
def time_limit(request):
    """A test that hangs fails, and the others go on."""
    mark = request.node.get_closest_marker("limit")
    seconds = round((mark.args[0] if mark else 60) * w.PATIENCE)

    def expired(_signal, _frame):
        raise AssertionError(f"not done within {seconds} s")

    old = signal.signal(signal.SIGALRM, expired)
    signal.alarm(seconds)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, old)


@pytest.fixture(scope="session", autouse=True)
def certificates():
    subprocess.run([w.ROOT / "tools/certs.sh", "--if-needed"], check=True, timeout=300)


@pytest.fixture(scope="session")
def shared(tmp_path_factory):
    """One running world for all tests that do no harm to it."""
    world = w.World(tmp_path_factory.mktemp("shared"))
    try:
        world.start().wait_ready()
        for process in world.processes.values():
            process.first_fds = process.lasting_fds(world.control_ports)[0]
        yield world
    finally:
        problems = world.stop()
    assert not problems, problems


@pytest.fixture
def make_world(tmp_path):
    """Worlds that a test may kill, fill and change."""
    worlds = []

    def make(**options):
        world = w.World(tmp_path / str(len(worlds)), **options)
        worlds.append(world)
        return world

    yield make
    problems = [p for world in worlds for p in world.stop().items()]
    assert not problems, problems


@pytest.fixture
def own(make_world):
    """A running world of its own."""
    world = make_world().start()
    world.wait_ready()
    return world


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
