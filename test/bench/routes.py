# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A million routes that BIRD loads, withdraws, loads again and moves to another next hop, beside us.

Not in the default run: it takes minutes and, for BIRD and the kernel, gigabytes. The network and the routes are
full_table.py's. What the filter itself costs is charged to BIRD, in whose writes it runs: so the same is done first without shuntd.
"""
import full_table
from lab import wait_for

ROUTES = 1000000
FLAPS = 2  # each withdraws all and loads all
DEADLINE = 600
MIB = 2**20


def load(bird):
    bird.start()
    bird.settle(DEADLINE)


def withdraw(bird):
    bird.every("disable")
    bird.settle(DEADLINE)


def again(bird):
    bird.every("enable")
    bird.settle(DEADLINE)


def move(bird):
    bird.routes_by(1)
    bird.ask("configure")
    bird.settle(DEADLINE)


STEPS = [("load", load), *[("withdraw", withdraw), ("load again", again)] * FLAPS, ("move", move)]


def alone():
    """BIRD's CPU time for all of it, nobody listening."""
    with full_table.running(ROUTES) as director:
        director.daemon.shunt("down")
        for _, step in STEPS:
            step(director.bird)
        return full_table.cpu_seconds(director.bird.process.pid)


def beside(table):
    """The same beside shuntd; returns (the figures of each step, the first reading, the last)."""
    with full_table.running(ROUTES) as director:
        before = full_table.kernel_routes(director.netns)
        first = last = director.reading()
        steps = []
        for name, step in STEPS:
            step(director.bird)
            want = before + (0 if name == "withdraw" else ROUTES)
            # BIRD may have been quiet for want of a CPU.
            wait_for(f"{name}: BIRD's routes", lambda want=want: full_table.kernel_routes(director.netns) == want, DEADLINE)
            director.bird.settle(DEADLINE)
            reading = director.reading()
            steps.append((name, reading.since(last)))
            last = reading
            director.reach(name != "withdraw")
        wait_for("they go by the other router", lambda: all(director.ways(address) == {"d1"} for address in
                                                            full_table.BACKENDS))
        wait_for("as the kernel says", director.daemon.verified, 60)
        table.add("routes", "resident before (VmRSS)", first.memory / MIB, "MiB")
    return steps, first, last


def measure(table):
    table.title(f"{ROUTES:,} routes by BIRD beside {full_table.OTHERS + 2:,} backends")
    baseline = alone()
    steps, first, last = beside(table)
    for number, (name, (bird, shuntd, _, counters)) in enumerate(steps, 1):
        table.add("routes", f"{number}. {name}: BIRD", bird, "s")
        table.add("routes", f"{number}. {name}: shuntd, {counters['events']} events came", 1000 * shuntd, "ms")
    bird, shuntd, grown, counters = last.since(first)
    table.add("routes", "BIRD's CPU time, in all", bird, "s")
    table.add("routes", "the same without shuntd", baseline, "s")
    table.add("routes", "shuntd's CPU time to BIRD's", 100 * shuntd / bird, "%", 2)
    table.add("routes", "overruns", counters["overruns"], "", 0)
    table.add("routes", "resident more than before", grown / MIB, "MiB", 1)
