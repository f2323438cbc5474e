# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The daemon under test: its file, and its view of every backend, as shown and as the maps hold it."""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

import network

BUILD = pathlib.Path(os.environ.get("SHUNT_BUILD", pathlib.Path(__file__).resolve().parents[2] / "build")).resolve()
VIPS = {4: "203.0.113.10", 6: "2001:db8:203::10"}
SERVICES = [(family, forward) for family in (4, 6) for forward in ("l3", "auto")]


def weight(number):
    """Of the backend with that number: most have 1."""
    return {3: 2, 7: 0}.get(number % 10, 1)


def services():
    """{service: (forward, {address: weight})}: of each family one with each half of the backends."""
    found = {}
    for family, forward in SERVICES:
        chosen = network.backends(family)[0 if forward == "l3" else 1 :: 2]
        found[f"{forward}{family}"] = (forward, {address: weight(number) for number, address in enumerate(chosen)})
    return found


def file_text():
    lines = ["role: director", "interfaces:", "  - {match: c0}", "services:"]
    for number, (family, forward) in enumerate(SERVICES):
        lines += [f"  - name: {forward}{family}", f"    vip: '{VIPS[family]}'", f"    ports: [{8000 + number}/tcp]",
                  f"    forward: {forward}", "    backends:"]
        if forward == "auto":
            lines.insert(-1, "    remote: l3")
        lines += [f"      - {{address: '{address}', weight: {each}}}"
                  for address, each in services()[f"{forward}{family}"][1].items()]
    return "\n".join(lines) + "\n"


class Daemon:
    def __init__(self, net):
        self.net = net
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="shunt-churn-"))
        self.pin_dir = pathlib.Path("/sys/fs/bpf") / self.folder.name
        self.socket, self.log = self.folder / "sock", self.folder / "log"
        self.process = self.maps = None

    def start(self):
        file = self.folder / "shunt.yaml"
        file.write_text(file_text())
        command = self.net.enter("director") + [BUILD / "shuntd", "-c", file, "--socket", self.socket, "--pin-dir",
                                                self.pin_dir]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        end = time.monotonic() + 20
        while self.shunt("status").returncode:
            assert self.process.poll() is None and time.monotonic() < end, self.told()
            time.sleep(0.02)
        self.maps = subprocess.Popen([BUILD / "test/churn/maps", self.pin_dir], text=True, stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE)

    def told(self):
        return self.log.read_text(errors="replace")

    def shunt(self, *words):
        return network.run(BUILD / "shunt", "--socket", self.socket, *words)

    def json(self, *words):
        result = self.shunt(*words, "-j")
        assert result.returncode == 0, f"shunt {' '.join(words)}: {result.stdout}{result.stderr}\n{self.told()[-2000:]}"
        return json.loads(result.stdout)

    def read(self):
        """({(service, address): what `show backends` says}, {(service, address): what the maps say})."""
        shown = {(row["service"], row["address"]): row for row in self.json("show", "backends")}
        self.maps.stdin.write("\n")
        self.maps.stdin.flush()
        rows = {}
        for row in json.loads(self.maps.stdout.readline()):
            rows.setdefault(row["address"], []).append(row)
        return shown, {key: rows[key[1]][0] for key in shown if len(rows.get(key[1], [])) == 1}

    def remove(self):
        if self.maps:
            self.maps.stdin.close()
            self.maps.wait(timeout=10)
        if self.process and self.process.poll() is None:
            self.shunt("down")
            try:
                self.process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(timeout=10)
        shutil.rmtree(self.pin_dir, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)
