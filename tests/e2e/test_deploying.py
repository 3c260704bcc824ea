# SPDX-License-Identifier: BSD-2-Clause
"""docs/deploying.md, done as it says: its commands, the samples, the capabilities of the units."""

import json
import os
import re
import shutil
import subprocess
import textwrap

import pytest

import world as w

SAMPLES = w.ROOT / "settings/samples"
DOMAIN = "www.internal.example.org"
PORTS = {"443": "tls", "9999": "internal", "4444": "grpc", "5544": "public_relay", "6655": "public",
         "7766": "private_relay", "8877": "private", "8888": "backend"}


def certificate_commands():
    text = (w.ROOT / "docs/deploying.md").read_text()
    blocks = re.findall(r"(?:^    .*\n|^\n(?=    ))+", text, re.M)
    return textwrap.dedent(next(b for b in blocks if "openssl req -x509" in b))


def capabilities():
    """setpriv, so that a process has no more than a unit gives it."""
    unit = (w.ROOT / "settings/systemd/passage-proxy@.service").read_text()
    names = re.search(r"^AmbientCapabilities=(.*)$", unit, re.M)[1]
    only = ",".join("+" + name.removeprefix("CAP_").lower() for name in names.split())
    return ["setpriv", f"--bounding-set=-all,{only}", "--no-new-privs"]


class Site:
    def __init__(self, folder):
        self.dir = folder
        self.ports = dict(zip(PORTS, w.free_ports(len(PORTS))))
        (folder / "tls").mkdir()
        subprocess.run(["sh", "-euc", certificate_commands()], cwd=folder / "tls", check=True,
                       capture_output=True, timeout=60)
        (folder / "directory").mkdir()
        self._copy("directory.json", "directory/directory.json")
        for name in ("relay.yml", "private-relay.yml", "public-proxy.yml", "private-proxy.yml"):
            self._copy(name, name)
        self.processes = [
            self._process("backend", [w.BIN / "internal-server"],
                          {"IS_BIND_ADDRESS": f"localhost:{self.ports['8888']}"}),
            self._process("relay", [w.BIN / "relay", "server", "run"],
                          {"RELAY_SETTINGS": str(folder / "relay.yml")}),
            self._process("private-relay", [w.BIN / "relay", "server", "run"],
                          {"RELAY_SETTINGS": str(folder / "private-relay.yml")}),
            self._process("public", [w.BIN / "proxy", "run", "public"],
                          {"PROXY_SETTINGS": str(folder / "public-proxy.yml")}, capabilities()),
            self._process("private", [w.BIN / "proxy", "run", "private"],
                          {"PROXY_SETTINGS": str(folder / "private-proxy.yml")}, capabilities())]

    def _copy(self, sample, name):
        """With the places and ports that are free here instead of those of the two hosts."""
        text = (SAMPLES / sample).read_text()
        for kind in ("public", "private"):
            fingerprint = self.dir / f"tls/{kind}-proxy.fingerprint"
            text = text.replace(f"{kind.upper()}_FINGERPRINT", fingerprint.read_text().strip())
        text = text.replace("/etc/passage", str(self.dir))
        text = text.replace("/var/lib/passage", str(self.dir / "state"))
        text = re.sub(r'"(?=:\d)', '"localhost', text)
        text = re.sub(r"(?:localhost|public-proxy\.example\.org):(%s)\b" % "|".join(PORTS),
                      lambda m: f"localhost:{self.ports[m[1]]}", text)
        (self.dir / name).write_text(text)

    def _process(self, name, command, env, prefix=()):
        env = {"ASAN_OPTIONS": "abort_on_error=0:exitcode=99", **env}
        return w.Process(name, command, env, self.dir / f"{name}.log", w.ROOT, prefix)

    def __getitem__(self, name):
        return next(p for p in self.processes if p.name == name)

    def get(self):
        port = self.ports["443"]
        # Whose certificate the service shows is not Passage's business.
        done = subprocess.run(
            ["curl", "--silent", "--insecure", "--max-time", "5", "--resolve",
             f"{DOMAIN}:{port}:127.0.0.1", f"https://{DOMAIN}:{port}/jsonrpc"],
            capture_output=True, timeout=20)
        return done.stdout


@pytest.fixture
def site(tmp_path):
    site = Site(tmp_path)
    yield site
    for process in reversed(site.processes):
        if process.popen:
            assert process.stop() == 0, process.log()


def test_deployed_as_told(site):
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        pytest.skip("needs root, and setpriv of util-linux")
    for program, settings in (("proxy", "public-proxy"), ("proxy", "private-proxy"),
                              ("relay", "relay"), ("relay", "private-relay")):
        variable = f"{program.upper()}_SETTINGS"
        done = subprocess.run([w.BIN / program, "check"], capture_output=True, text=True, timeout=20,
                              env={**os.environ, variable: str(site.dir / f"{settings}.yml")})
        assert done.returncode == 0 and "warning" not in done.stderr, done.stderr
    for process in site.processes:
        process.start()
    answer = w.wait_until(site.get, 20, "an answer through all processes", 0.2)
    assert json.loads(answer) == {"message": "success"}
    site["private"].wait_log(f"announced: domain={DOMAIN} proxy=public-proxy.example.org")
    for name in ("public", "private"):
        assert "passes the self-test" in site[name].log(), site[name].log()
    site["public"].wait_log(f"closed: .*name={DOMAIN}")
