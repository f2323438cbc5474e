# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""How soon packets follow the kernel: a neighbour's MAC, a route, a leg that goes down or loses its carrier, with 10 to
100,000 backends.

All backends are behind one route by a router, so a route's change moves every one of them. converge.c makes the
changes and measures, beside a bare rtnetlink listener: of each change three times, from just before it was sent to the
word in the map, to the bare listener's notification, and the difference of the two. The limits hold for the first, as
that is what an operator sees, and the kernel's own part is small beside them, except for the loss of a carrier, of which
a worker of the kernel's tells when it gets to it: there the limit holds for the difference. Daemon and observer have
real-time priority, so that what else runs here is not measured.

Sizes are compared after equally long rests: a CPU that slept for half a second, as it must between changes that concern
100,000 backends, takes up to twice as long for the kernel's part as one that slept for 20 ms, whatever the daemon knows.
"""
import statistics
import subprocess

import scale
from lab import BUILD, wait_for

ALL = "198.18.0.0/15"
LIMIT_MS = 1
ROUTE_LIMIT_MS = 5
SIZES = (10, 1000, 10000, 100000)
COMPARED = (SIZES[0], SIZES[-1])
CARRIERS = 5  # rounds: the kernel tells once a second that a carrier is back


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
    result = subprocess.run(command, text=True, capture_output=True, timeout=300, check=False)
    assert result.returncode == 0, f"converge {' '.join(case)}: {result.stderr}"
    return [tuple(float(word) / 1000 for word in line.split()) for line in result.stdout.splitlines()]


class Figures:
    """Of one size: rows of the table."""

    def __init__(self, table, backends):
        self.table = table
        self.backends = backends

    def add(self, name, samples, limit, limited="map"):
        """`limited`: the column that the limit is for. Returns the map's p50."""
        columns = {"map": [there for _, there in samples], "notified": [notified for notified, _ in samples],
                   "map after notified": [there - notified for notified, there in samples]}
        for column, times in columns.items():
            for share in (50, 99):
                bound = limit if column == limited and share == 99 else None
                self.table.add(f"converge-{self.backends}", f"{name}: {column}, p{share}", percentile(times, share), "ms", bound)
        return statistics.median(columns["map"])


def rest_of(backends):
    """ms, in which the daemon has done what follows from a change: it asks the kernel about every backend."""
    return 20 + backends // 200


def measure_size(table, backends):
    """Returns the medians of neighbour and leg."""
    figures = Figures(table, backends)
    rest = rest_of(backends)
    count = 50 if backends > 10000 else 100
    compared = (50, rest_of(COMPARED[1])) if backends in COMPARED else (count, rest)
    with scale.running(text_of(backends)) as (network, daemon):
        one_route(network, 0)
        daemon.start()
        daemon.wait_active(120)
        scale.run(f"chrt --fifo --pid 2 {daemon.process.pid}")
        router = network.router(0)
        neighbour = figures.add("neighbour", rounds(network, daemon, 300, 10, "neighbour", "r0", router), LIMIT_MS)
        figures.add("neighbour, busy", rounds(network, daemon, count, rest, "busy", "r0", router, "r3"), LIMIT_MS)
        scale.run(f"ip -n {network.director} neigh del {router} dev r0")
        daemon.wait_active()
        prefix, length = ALL.split("/")
        samples = rounds(network, daemon, count, rest, "route", prefix, length, network.router(1), router)
        figures.add("route, last backend", samples, ROUTE_LIMIT_MS if backends <= 10000 else None)
        one_route(network, 0, 1)
        wait_for("both legs", lambda: daemon.verified() and daemon.wait_active(), 60)
        leg = figures.add("leg down", rounds(network, daemon, *compared, "leg", "r1"), LIMIT_MS)
        one_route(network, 0, 1)  # the kernel took the leg that was down out of it
        wait_for("both legs", lambda: daemon.verified() and daemon.wait_active(), 60)
        figures.add("leg's carrier", rounds(network, daemon, CARRIERS, rest, "carrier", "r1", network.routers, "r1"), LIMIT_MS, "map after notified")
    return neighbour, leg


def measure(table):
    medians = {}
    for backends in SIZES:
        table.title(f"convergence with {backends:,} backends behind one route")
        medians[backends] = measure_size(table, backends)
    for number, what in enumerate(("neighbour", "leg down")):
        ratio = medians[COMPARED[1]][number] / medians[COMPARED[0]][number]
        table.add("converge", f"{what}: 100,000 backends beside 10, p50", ratio, "times", 1.5)
