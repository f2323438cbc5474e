# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A director in front of four routers with thousands of backends behind them: files and a network of any size.

The backends are addresses that nobody has: their routers alone answer ARP, and that is all a director needs to
find its way. Used by test_scale.py and by the bench. Everything made here carries this process's id in its name.
"""
import contextlib
import ipaddress
import itertools
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

from lab import BUILD, wait_for

ROUTERS = 4
BEHIND = [ipaddress.ip_network(text) for text in ("198.18.0.0/17", "198.18.128.0/17", "198.19.0.0/17", "198.19.128.0/17")]
VIPS = 250

_numbers = itertools.count(1)


def backend(number, backends):
    """The address of one of `backends` backends, of which each router has a quarter."""
    quarter = -(-backends // ROUTERS)
    return BEHIND[number // quarter][1 + number % quarter]


def file_text(services, backends, each=1):
    """`services` services with `each` of the `backends` backends: of every router as many, where that goes.

    No two services have a port in common, so one backend may serve any of them."""
    lines = ["role: director", "interfaces:", "  - {match: c0}", "services:"]
    for service in range(services):
        chosen = {(service + turn * (backends // each)) % backends for turn in range(each)}
        lines += [
            f"  - name: service{service}",
            f"    vip: 203.0.113.{1 + service % VIPS}",
            "    forward: l3",
            f"    ports: [{1024 + service}/tcp]",
            f"    backends: [{', '.join(str(backend(number, backends)) for number in sorted(chosen))}]",
        ]
    return "\n".join(lines) + "\n"


def set_sysctl(netns, name, value):
    run("nsenter", f"--net=/run/netns/{netns}", "sh", "-c", f"echo {value} >/proc/sys/{name}")


def run(*command):
    words = command[0].split() if len(command) == 1 else command
    result = subprocess.run(words, text=True, capture_output=True, timeout=60, check=False)
    if result.returncode:
        raise AssertionError(f"{' '.join(map(str, words))}: status {result.returncode}\n{result.stdout}{result.stderr}")
    return result.stdout


class Network:
    """The director's interface r0 leads to the router 198.51.100.2, r1 to .6, r2 to .10, r3 to .14."""

    def __init__(self):
        name = f"s{os.getpid()}n{next(_numbers)}"
        self.director, self.routers = f"{name}-director", f"{name}-routers"

    def up(self):
        for netns in (self.director, self.routers):
            run(f"ip netns add {netns}")
            run(f"ip -n {netns} link set lo up")
        # A router tells of its new MAC, and answers only where it is asked.
        for name, value in (("arp_notify", 1), ("arp_ignore", 1), ("rp_filter", 0)):
            for which in ("all", "default"):
                set_sysctl(self.routers, f"net/ipv4/conf/{which}/{name}", value)
        set_sysctl(self.director, "net/ipv4/ip_forward", "1")
        run(f"ip -n {self.director} link add c0 type veth peer name c0 netns {self.routers}")
        run(f"ip -n {self.director} addr add 192.0.2.1/24 dev c0")
        run(f"ip -n {self.director} link set c0 up")
        run(f"ip -n {self.routers} link set c0 up")
        for number in range(ROUTERS):
            run(f"ip -n {self.director} link add r{number} type veth peer name r{number} netns {self.routers}")
            run(f"ip -n {self.director} addr add 198.51.100.{4 * number + 1}/30 dev r{number}")
            run(f"ip -n {self.routers} addr add {self.router(number)}/30 dev r{number}")
            run(f"ip -n {self.routers} link set r{number} up")
            run(f"ip -n {self.director} link set r{number} up")
            self.route(number, number)

    def down(self):
        for netns in (self.director, self.routers):
            subprocess.run(["ip", "netns", "del", netns], capture_output=True, check=False)

    @staticmethod
    def router(number):
        return f"198.51.100.{4 * number + 2}"

    def route(self, quarter, router):
        """A quarter of the backends goes by that router from now on."""
        run(f"ip -n {self.director} route replace {BEHIND[quarter]} via {self.router(router)}")

    def new_mac(self, router):
        number = next(_numbers)
        mac = f"02:00:00:00:{0x80 + number // 256:02x}:{number % 256:02x}"
        run(f"ip -n {self.routers} link set r{router} address {mac}")
        return mac


class Daemon:
    """shuntd on the director, with a file, a socket and pins of its own."""

    def __init__(self, network, text, *options):
        """`options` of shuntd, beside those that name what is this daemon's own."""
        self.network, self.options = network, options
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="shunt-scale-"))
        self.file, self.socket, self.log = self.folder / "shunt.yaml", self.folder / "sock", self.folder / "log"
        self.pin_dir = pathlib.Path("/sys/fs/bpf") / self.folder.name
        self.file.write_text(text)
        self.process = None

    def start(self):
        """Returns when it was executed."""
        command = ["nsenter", f"--net=/run/netns/{self.network.director}", BUILD / "shuntd", "-c", self.file,
                   "--socket", self.socket, "--pin-dir", self.pin_dir, *self.options]
        with self.log.open("ab") as log:
            begin = time.monotonic()
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        return begin

    def kill(self):
        self.process.kill()
        self.process.wait(timeout=10)

    def remove(self):
        if self.process and self.process.poll() is None:
            self.shunt("down")
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=20)
        if self.process and self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.pin_dir, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def shunt(self, *words):
        return subprocess.run([BUILD / "shunt", "--socket", self.socket, *words], text=True, capture_output=True,
                              timeout=60, check=False)

    def json(self, *words):
        result = self.shunt(*words, "-j")
        assert result.returncode == 0, f"shunt {' '.join(words)}: {result.stdout}{result.stderr}"
        return json.loads(result.stdout)

    def status(self):
        """None while it does not answer."""
        assert self.process.poll() is None, f"shuntd ended:\n{self.log.read_text(errors='replace')[-4000:]}"
        result = self.shunt("status", "-j")
        return json.loads(result.stdout) if result.returncode == 0 else None

    def wait_active(self, deadline=60):
        """Waits until every backend is active, and returns the status that says so."""
        def active():
            status = self.status()
            return status if status and status["active"] == status["backends"] > 0 else None
        return wait_for("all backends are active", active, deadline)

    def wait_until(self, what, condition, deadline=10):
        """Waits until `shunt status` fulfils the condition, and returns it."""
        def fulfilled():
            status = self.status()
            return status if status and condition(status) else None
        return wait_for(what, fulfilled, deadline)

    def nexthops(self):
        return {nexthop["nexthop"]: nexthop for nexthop in self.json("show", "nexthops")}

    def verified(self):
        return self.shunt("verify").returncode == 0

    def writes(self):
        return self.status()["map_writes"]

    @contextlib.contextmanager
    def streaming(self, *words):
        """A `shunt` command that goes on, such as `events -j`; yields a function that returns its lines so far."""
        output = self.folder / "stream"
        with output.open("w") as file:
            process = subprocess.Popen([BUILD / "shunt", "--socket", self.socket, *words], stdout=file,
                                       stdin=subprocess.DEVNULL)
        try:
            yield lambda: output.read_text().splitlines()
        finally:
            process.terminate()
            process.wait(timeout=10)

    @contextlib.contextmanager
    def counting(self):
        """How many writes to the maps the block led to: in a list, once it is over and the maps are verified."""
        count = []
        before = self.writes()
        yield count
        wait_for("the maps are as the kernel says", self.verified, 10)
        count.append(self.writes() - before)

    def memory(self, name):
        """VmRSS or VmHWM in bytes."""
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1]) * 1024
        raise AssertionError(f"no {name} of process {self.process.pid}")


@contextlib.contextmanager
def running(text):
    """A network and a daemon with that file; yields (network, daemon), the daemon not started."""
    network = Network()
    daemon = None
    try:
        network.up()
        daemon = Daemon(network, text)
        yield network, daemon
    finally:
        if daemon:
            daemon.remove()
        network.down()
