# SPDX-License-Identifier: BSD-2-Clause
"""How long to wait before something is taken for hung.

FACTOR is what every such limit is multiplied by. It is measured once, by a fixed piece of work of the
kind that the tests are made of: processes that start, and wake each other. A quiet machine of 2020
needs REFERENCE seconds for it. PASSAGE_TEST_PATIENCE says it instead, and is how the programs that
tests/run starts hear of it. A limit is only ever reached by a test that fails, so it costs nothing
that the least factor is a generous one: others may begin to use the machine after it was measured.
"""

import os
import subprocess
import sys
import time

LEAST = 4
REFERENCE = 0.25
VARIABLE = "PASSAGE_TEST_PATIENCE"


def work():
    for _ in range(20):
        subprocess.run(["true"], check=True)
    back, forth = os.pipe(), os.pipe()
    with subprocess.Popen([sys.executable, "-c", f"""
import os
while os.read({forth[0]}, 1):
    os.write({back[1]}, b"x")
"""], pass_fds=(forth[0], back[1])) as peer:
        os.close(forth[0])
        os.close(back[1])
        for turn in range(2000):
            os.write(forth[1], b"x")
            os.read(back[0], 1)
            sum(range(500 + turn % 2))
        os.close(forth[1])
        peer.wait()
    os.close(back[0])


def measured():
    begin = time.monotonic()
    work()
    return max(LEAST, 2 * (time.monotonic() - begin) / REFERENCE)


def factor():
    said = os.environ.get(VARIABLE)
    value = float(said) if said else measured()
    os.environ[VARIABLE] = f"{value:.1f}"
    return value


FACTOR = factor()
