# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""How soon packets follow the kernel: a neighbour's MAC, a route, a leg that goes down, with 10 to 100,000 backends.

All backends are behind one route by a router, so a route's change moves every one of them. converge.c makes the
changes and measures, beside a bare rtnetlink listener. Times are from just before the change was sent. What the kernel
takes until it notifies (a link goes down in milliseconds, and everybody on the machine shares one lock) is not
shunt's: the limits hold for the time from there to the map. Daemon and observer have real-time priority, so that
what else runs is not measured either.
"""
import statistics
import subprocess

import scale
from lab import BUILD, wait_for

ALL = "198.18.0.0/15"
LIMIT_MS = 1
ROUTE_LIMIT_MS = 5


def percentile(values, share):
    """The smallest value that at least that share of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * share // 100) - 1)]


def text_of(backends):
    services = max(1, backends // 1000)
    return scale.file_text(services, backends, backends // services)


def one_route(network, *routers):
    """All backends behind one route, by these routers."""
    for prefix in scale.BEHIND:
        subprocess.run(["ip", "-n", network.director, "route", "del", str(prefix)], check=False, capture_output=True)
    legs = " ".join(f"nexthop via {network.router(router)}" for router in routers)
    scale.run(f"ip -n {network.director} route replace {ALL} {legs}")


def rounds(network, daemon, count, rest, *case):
    """[(ms to the notification, ms to the map)], after a rest in ms each."""
    command = ["nsenter", f"--net=/run/netns/{network.director}", BUILD / "bench/converge", daemon.pin_dir,
               str(count), str(rest), *case]
    result = subprocess.run(command, text=True, capture_output=True, timeout=120, check=False)
    assert result.returncode == 0, f"converge {' '.join(case)}: {result.stderr}"
    return [tuple(float(word) / 1000 for word in line.split()) for line in result.stdout.splitlines()]


class Figures:
    """Of one size: rows of the table."""

    def __init__(self, table, backends):
        self.table = table
        self.backends = backends

    def add(self, name, samples, limit):
        """The kernel's notification, the map, and the time between them, which has the limit. Returns the map's p50."""
        columns = {"notified": [notified for notified, _ in samples], "map": [there for _, there in samples],
                   "map after that": [there - notified for notified, there in samples]}
        for column, times in columns.items():
            for share in (50, 99):
                limited = limit if column == "map after that" and share == 99 else None
                self.table.add(f"converge-{self.backends}", f"{name}: {column}, p{share}", percentile(times, share), "ms", limited)
        return statistics.median(columns["map"])


def measure_size(table, backends):
    """Returns the medians of neighbour and leg."""
    figures = Figures(table, backends)
    many = backends > 10000
    rest = 50 + backends // 50
    with scale.running(text_of(backends)) as (network, daemon):
        one_route(network, 0)
        daemon.start()
        daemon.wait_active(120)
        scale.run(f"chrt --fifo --pid 2 {daemon.process.pid}")
        neighbour = figures.add("neighbour", rounds(network, daemon, 200, 20, "neighbour", "r0", network.router(0)), LIMIT_MS)
        scale.run(f"ip -n {network.director} neigh del {network.router(0)} dev r0")
        daemon.wait_active()
        prefix, length = ALL.split("/")
        samples = rounds(network, daemon, 8 if many else 30, rest, "route", prefix, length, network.router(1), network.router(0))
        figures.add("route, last backend", samples, ROUTE_LIMIT_MS if backends <= 10000 else None)
        one_route(network, 0, 1)
        wait_for("both legs", lambda: daemon.verified() and daemon.wait_active())
        leg = figures.add("leg down", rounds(network, daemon, 8 if many else 30, rest, "leg", "r1"), LIMIT_MS)
    return neighbour, leg


def measure(table):
    medians = {}
    for backends in (10, 1000, 10000, 100000):
        table.title(f"convergence with {backends:,} backends behind one route")
        medians[backends] = measure_size(table, backends)
    for number, what in enumerate(("neighbour", "leg down")):
        ratio = medians[100000][number] / medians[10][number]
        table.add("converge", f"{what}: 100,000 backends beside 10, p50", ratio, "times", 1.5)
