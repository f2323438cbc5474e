# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A full table beside us: BIRD loads, withdraws and moves routes on the director, nearly all of them none of ours.

The director is silent.py's, with a few thousand backends more, so that the filter and the audit have work. BIRD has
the routes from a file, as protocols that can be disabled, and writes them into the kernel; among them are those to
one backend of each family. Used by test_full_table.py and by the bench, which differ in the number of routes.
"""
import contextlib
import dataclasses
import ipaddress
import pathlib
import re
import subprocess
import tempfile
import time

import scale
import silent
from lab import wait_for

# The routes that are nobody's: IPv4 ones to hosts, at most these, and all others IPv6.
FOREIGN4, FOREIGN6 = ipaddress.ip_network("198.19.0.0/16"), ipaddress.ip_network("2001:db8:8000::/33")
# Of BIRD's, those that lead to a backend: among the others, in the middle.
OURS = {4: "198.18.9.0/24", 6: "2001:db8:9::/64"}
BACKENDS = ("198.18.9.1", "2001:db8:9::1")
# And backends that BIRD has nothing to do with: so many of each family, IPv6's behind a nexthop object.
MANY, EACH = 2500, 250
OTHERS = 2 * MANY + len(silent.ALL)
BASE4, BASE6 = ipaddress.ip_address("198.18.128.1"), ipaddress.ip_address("2001:db8:4000::1")
SETTLED = 0.5  # seconds of BIRD doing next to nothing


def file_text():
    lines = [silent.file_text("30s").rstrip()]
    services = [("bird4", "203.0.113.9", BACKENDS[:1]), ("bird6", "2001:db8:203::9", BACKENDS[1:])]
    for name, vip, base in (("many4", "203.0.113.10", BASE4), ("many6", "2001:db8:203::10", BASE6)):
        services += [(f"{name}-{first}", vip, [base + first + number for number in range(EACH)])
                     for first in range(0, MANY, EACH)]
    for port, (name, vip, backends) in enumerate(services, 8000):
        lines += [f"  - name: {name}", f"    vip: '{vip}'", f"    ports: [{port}/tcp]", "    forward: l3", "    backends:",
                  *[f"      - '{backend}'" for backend in backends]]
    return "\n".join(lines) + "\n"


def foreign(network, length, count):
    first = int(network.network_address)
    step = network.max_prefixlen - length
    return [f"{ipaddress.ip_address(first + (number << step))}/{length}" for number in range(count)]


def prefixes(count):
    """{family: the prefixes}, `count` in all."""
    four = min(count // 2, FOREIGN4.num_addresses)
    found = {4: foreign(FOREIGN4, 32, four - 1), 6: foreign(FOREIGN6, 64, count - four - 1)}
    for family, ours in OURS.items():
        found[family].insert(len(found[family]) // 2, ours)
    return found


def configuration(folder):
    """Kernel protocols as in examples/bird-bgp, but they also write; the routes are in files."""
    lines = ["log stderr all;", "protocol device { }"]
    for family in (4, 6):
        lines += [f"protocol kernel kernel{family} {{ ipv{family} {{ import none; export where source = RTS_STATIC; }}; }}",
                  f"protocol static table{family} {{", f"ipv{family};", f'include "{folder}/routes{family}";', "}"]
    return "\n".join(lines) + "\n"


class Bird:
    """BIRD in a namespace, with routes by either router of silent.py."""

    def __init__(self, netns, count):
        self.netns, self.prefixes = netns, prefixes(count)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="shunt-bird-"))
        self.process = None
        (self.folder / "conf").write_text(configuration(self.folder))
        self.routes_by(0)

    def routes_by(self, router):
        for family, gateways in ((4, silent.GATEWAY4), (6, silent.GATEWAY6)):
            (self.folder / f"routes{family}").write_text(
                "".join(f"route {prefix} via {gateways[router]};\n" for prefix in self.prefixes[family]))

    def start(self):
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                ["nsenter", f"--net=/run/netns/{self.netns}", "bird", "-f", "-c", self.folder / "conf", "-s",
                 self.folder / "ctl"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def ask(self, *words):
        result = subprocess.run(["birdc", "-s", self.folder / "ctl", *words], text=True, capture_output=True, timeout=120,
                                check=False)
        assert result.returncode == 0, f"birdc {' '.join(words)}: {result.stdout}{result.stderr}"
        return result.stdout

    def every(self, verb):
        for family in (4, 6):
            self.ask(verb, f"table{family}")

    def settle(self, deadline):
        """Waits until BIRD has worked off what it was told."""
        last = [cpu_seconds(self.process.pid), time.monotonic()]

        def quiet():
            assert self.process.poll() is None, (self.folder / "log").read_text(errors="replace")[-2000:]
            used, now = cpu_seconds(self.process.pid), time.monotonic()
            if used - last[0] > 0.02:
                last[:] = used, now
            return now - last[1] > SETTLED

        wait_for("BIRD has nothing more to do", quiet, deadline)

    def remove(self):
        if self.process:
            # Not politely: it would withdraw all routes, and the namespace goes anyway.
            self.process.kill()
            self.process.wait(timeout=60)
        for file in self.folder.iterdir():
            file.unlink()
        self.folder.rmdir()


def cpu_seconds(pid):
    """User and system time of a process with one thread, as in its stat but finer than a clock tick."""
    return int(pathlib.Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def kernel_routes(netns):
    """How many there are, without a dump: IPv4's of the main table, all of IPv6's."""
    four = scale.run("nsenter", f"--net=/run/netns/{netns}", "cat", "/proc/net/fib_triestat")
    six = scale.run("nsenter", f"--net=/run/netns/{netns}", "cat", "/proc/net/rt6_stats")
    return int(re.search(r"^Main:.*?Prefixes:\s*(\d+)", four, re.DOTALL | re.MULTILINE)[1]) + int(six.split()[3], 16)


@dataclasses.dataclass
class Reading:
    """Of both daemons at one moment."""

    bird: float  # seconds of CPU time
    shuntd: float
    memory: int  # bytes of shuntd
    netlink: dict

    def since(self, before):
        """(seconds of BIRD, seconds of shuntd, bytes that shuntd has grown, {counter: how much more})"""
        counters = {name: self.netlink[name] - before.netlink[name] for name in ("events", "overruns", "unparsed", "asks")}
        return self.bird - before.bird, self.shuntd - before.shuntd, self.memory - before.memory, counters


class Director(silent.Director):
    def __init__(self, network, daemon, bird):
        super().__init__(network, daemon)
        self.bird = bird

    def reading(self):
        """Asked last and first, so that between two readings nobody asks."""
        netlink = self.daemon.status()["netlink"]
        return Reading(cpu_seconds(self.bird.process.pid) if self.bird.process else 0,
                       cpu_seconds(self.daemon.process.pid), self.daemon.memory("VmRSS"), netlink)

    def reach(self, yes):
        """BIRD's two backends are active, or not. By the shortest question, for the answer would take memory."""
        self.daemon.wait_until(f"BIRD's backends are {'' if yes else 'not '}reached",
                               lambda status: status["active"] == OTHERS + (len(BACKENDS) if yes else 0))


@contextlib.contextmanager
def running(count):
    """The director with its daemon, everything but BIRD's backends active; BIRD is not started."""
    network = silent.Network()
    daemon = bird = None
    try:
        network.up()
        silent.batch(network.director, [f"route replace {BASE4 - 1}/17 via {silent.GATEWAY4[0]}",
                                        "nexthop replace id 99 via 2001:db8:a::2 dev d0",
                                        f"route replace {BASE6 - 1}/64 nhid 99"])
        daemon = scale.Daemon(network, file_text())
        bird = Bird(network.director, count)
        daemon.start()
        director = Director(network, daemon, bird)
        director.reach(False)
        yield director
    finally:
        if bird:
            bird.remove()
        if daemon:
            daemon.remove()
        network.down()
