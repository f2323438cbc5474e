# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The figures of the packet path (test/bench/packet), as rows of bench.py's table.

Times are net of what the measurement itself costs, so they are told as ratios to a router that does one
bpf_fib_lookup per packet (IPv4), measured in the same run: the machine cancels out.
"""
import os
import pathlib
import subprocess

BUILD = pathlib.Path(os.environ["SHUNT_BUILD"])

# At most, as a ratio to the router: with one established flow, IPv4.
LIMITS = {"l2": 0.64, "l3": 0.70, "ipip": 0.77, "gue": None}
IPV6_MORE = 0.15
FLOWS_MORE = 1.3  # at a million flows, as a ratio to one
TABLE_MORE = 0.1  # there, as a ratio to the flow table
NEW_MORE = 1.05  # a flow's first packet, as a ratio to its others
MOVING = 6.5
FLOOD_MORE = 1.1  # a packet's time after a flood, as a ratio to that before
LIVE = 0.88  # of the packets that swapping MACs makes

YARDSTICKS = {"empty": "the measurement itself, not net", "swap": "floor: MACs swapped",
              "constant": "floor: constant addresses, checksums", "fib": "a router: bpf_fib_lookup"}
FLOWS = {1: "1 flow", 10000: "10k flows", 1000000: "1M flows"}


def figures():
    """({(name, family, flows): (ns, ratio to the router, misses)}, {name: (packets a second, ratio to swapped MACs)},
    {name: ratio of after the flood to before it, "astray": flows})"""
    cases, live, flood = {}, {}, {}
    lines = subprocess.run([BUILD / "bench/packet"], check=True, stdout=subprocess.PIPE, text=True).stdout
    for line in lines.splitlines():
        kind, name, *rest = line.split("\t")
        if kind == "live":
            live[name] = float(rest[0]), float(rest[1])
        elif kind == "flood":
            flood[name] = float(rest[0])
        elif kind == "astray":
            flood[kind] = int(name)
        else:
            family, flows, *values = rest
            cases[name, int(family), int(flows)] = tuple(map(float, values))
    return cases, live, flood


class Rows:
    """One family's figures on their way into the table."""

    def __init__(self, table, cases, family):
        self.table, self.cases, self.family = table, cases, family
        self.router = cases["fib", 4, 1][0]

    def ns(self, name, flows):
        return self.cases[name, self.family, flows][0]

    def ratio(self, name, flows, to=None):
        """To the router in the same rounds, or to another case."""
        own = self.cases[name, self.family, flows][1]
        return own / self.ratio(*to) if to else own

    def has(self, name, flows=1):
        return (name, self.family, flows) in self.cases

    def add(self, what, value, unit, limit=None):
        self.table.add(f"packet v{self.family}", f"IPv{self.family} {what}", value, unit, limit)

    def both(self, what, name, flows, limit=None):
        self.add(what, self.ns(name, flows), "ns")
        self.add(f"{what}, to the router", self.ratio(name, flows), "ratio", limit)

    def yardsticks(self):
        for name, words in YARDSTICKS.items():
            if self.has(name):
                self.add(words, self.ns(name, 1), "ns")
        for flows, words in FLOWS.items():
            ns, _, misses = self.cases["flow table", self.family, flows]
            self.add(f"flow table, {words}, {misses:.1f} % missed", ns, "ns")

    def mode(self, name, limit):
        if limit and self.family == 6:
            limit += IPV6_MORE
        self.both(f"{name}, 1 flow", name, 1, limit)
        self.add(f"{name}, 10k flows", self.ns(name, 10000), "ns")
        self.both(f"{name}, 1M flows", name, 1000000)
        self.add(f"{name}, 1M flows to 1", self.ratio(name, 1000000, (name, 1)), "ratio", FLOWS_MORE)
        self.add(f"{name}, 1M flows to the flow table", self.ratio(name, 1000000, ("flow table", 1000000)), "ratio",
                 limit and TABLE_MORE)
        if self.has(f"{name} new", 1000000):
            self.add(f"{name}, first packets to others", self.ratio(f"{name} new", 1000000, (name, 1000000)), "ratio",
                     NEW_MORE)

    def rest(self):
        self.both("l2, slot moving, 1M flows", "l2 moving", 1000000)
        self.both("l2, slot moving, new flow", "l2 moving new", 1000000, MOVING)
        self.both("not for a service", "not ours", 1000000)


def measure(table):
    cases, live, flood = figures()
    for family in 4, 6:
        rows = Rows(table, cases, family)
        table.title(f"a packet's way, IPv{family} (net; the router is IPv4's {rows.router:.1f} ns)")
        rows.yardsticks()
        for name, limit in LIMITS.items():
            if rows.has(name):
                rows.mode(name, limit)
        rows.rest()
    table.title("live: native XDP on a veth, all on one CPU")
    for name, (rate, _) in live.items():
        table.add("live", name, rate / 1e6, "Mpps")
    table.add("live", "l2 to swapped MACs", live["l2"][1], "ratio", LIVE, least=True)
    table.add("live", "l2 with the largest ring to swapped MACs", live["l2 with the largest ring"][1], "ratio")
    table.title("a flood of 2,000,000 SYNs to slots in transition, IPv4: what it does to established flows")
    for name, value in flood.items():
        if name == "astray":
            table.add("flood", "connections broken", value, "flows", 0)
        else:
            table.add("flood", f"{name}: after it to before", value, "ratio", FLOOD_MORE)
