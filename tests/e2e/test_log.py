# SPDX-License-Identifier: BSD-2-Clause
"""Standard error that nobody reads."""
import fcntl
import os
import re
import signal
import threading

import pytest

from world import wait_until

SUCCESS = b'{"message":"success"}\n'
ROLES = {"public-relay": "public-proxy-hyper-1", "private-relay": "private-proxy-hyper-1",
         "public-proxy": "public-proxy-1", "private-proxy": "private-proxy-1"}
LINE = re.compile(rb"\d{4}-\d\d-\d\dT[\d:.]+Z (TRACE|DEBUG|INFO|WARN|ERROR) \w+: ")


class Unread:
    """A pipe of one page as a process's standard error, read when the test says so."""

    def __init__(self, process):
        self.process, self.text = process, b""
        self.reader, process.stderr = os.pipe()
        fcntl.fcntl(self.reader, fcntl.F_SETPIPE_SZ, 4096)
        self.thread = threading.Thread(target=self._read)

    def started(self):
        os.close(self.process.stderr)

    def read(self):
        self.thread.start()

    def _read(self):
        while block := os.read(self.reader, 65536):
            self.text += block

    def close(self):
        self.thread.join()
        os.close(self.reader)
        self.process.log_path.write_bytes(self.text)


@pytest.fixture
def unread_world(make_world):
    world = make_world()
    for role in ROLES.values():
        world.extra(role, {"limits": {"log_backlog": "8KiB"}})
    logs = {name: Unread(world[name]) for name in ROLES}
    world.start()
    for log in logs.values():
        log.started()
    world.wait_ready()
    return world, logs


def test_nobody_reads_the_log(unread_world):
    """Connections go on meanwhile, and one line tells how many others are missing."""
    world, logs = unread_world
    for _ in range(150):
        assert world.get() == SUCCESS
    for log in logs.values():
        log.read()
    wait_until(lambda: all(b" lines are missing here: " in log.text for log in logs.values()),
               what="what was not kept is told")
    assert world.get() == SUCCESS
    for name in ROLES:
        assert world[name].stop() == 0
    for log in logs.values():
        log.close()
        for line in log.text.splitlines():
            assert LINE.match(line), line
        assert log.text.count(b" lines are missing here: ") == 1


def test_stop_while_nobody_reads_the_log(unread_world):
    world, logs = unread_world
    for _ in range(100):
        assert world.get() == SUCCESS
    for name in ROLES:
        world[name].popen.send_signal(signal.SIGTERM)
    for name in ROLES:
        assert world[name].popen.wait(10) == 0
    for log in logs.values():
        log.read()
        log.close()
