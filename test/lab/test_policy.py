# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Policy routing: rules are followed, and where they tell packets of one backend apart, each packet is."""
import contextlib
import json

import pytest

from lab import wait_for

VIPS = pytest.mark.parametrize("family", [4, 6])
VIP = {4: "203.0.113.10", 6: "2001:db8:203::10"}
BACKENDS = {4: ("198.51.100.11", "198.51.100.12"), 6: ("2001:db8:51::11", "2001:db8:51::12")}
NET = {4: "198.51.100.0/24", 6: "2001:db8:51::/64"}
R1 = {4: "198.18.1.2", 6: "2001:db8:18:1::2"}
R2 = {4: "198.18.1.3", 6: "2001:db8:18:1::3"}
CLIENT = {4: "198.18.0.10", 6: "2001:db8:18::10"}
TABLE = 777


@contextlib.contextmanager
def table_by(lab, family, router, *rules):
    """A table that leads to the backends by `router`, and rules to it."""
    ip = f"ip -{family}"
    lab.run("director", f"{ip} route add {NET[family]} via {router} table {TABLE}")
    try:
        for rule in rules:
            lab.run("director", f"{ip} rule add priority 500 {rule}")
        yield
    finally:
        while f"\n500:" in "\n" + lab.run("director", f"{ip} rule show"):
            lab.run("director", f"{ip} rule del priority 500")
        lab.run("director", f"{ip} route flush table {TABLE}", check=False)
        wait_for("as before", lambda: all(backend["reason"] == "" for backend in of(lab, family)))
        lab.assert_verified()


def of(lab, family):
    return [backend for address, backend in lab.backends().items() if address in BACKENDS[family]]


def nexthops(lab, family):
    return {path["nexthop"] for backend in of(lab, family) for path in backend["paths"]}


def reasons(lab, family):
    return {(backend["state"], backend["reason"]) for backend in of(lab, family)}


def counters(lab):
    """Packets directed by bpf_fib_lookup, and by the cached path."""
    counts = {row["reason"]: row["packets"] for row in lab.json("director", "status")["packets"]} \
        if isinstance(lab.json("director", "status").get("packets"), list) else lab.json("director", "status")["packets"]
    return counts["fib_tx"] + counts["fib_redirect"], counts["tx"] + counts["redirect"]


def forwarded(lab, family, count=40):
    """How many packets r1 and r2 took from the director for the backends while that many requests were made."""
    def took(router):
        rows = json.loads(lab.run(router, "ip -j -s -d link show dev rack"))
        return rows[0]["stats64"]["tx"]["packets"]

    before = took("r1"), took("r2")
    answers = lab.curl(VIP[family], count)
    assert sum(answers.values()) == count and "-" not in answers, answers
    return took("r1") - before[0], took("r2") - before[1]


def kernel_says(lab, family, *more):
    """By which router the director's kernel sends a client's packet to the first backend."""
    answer = json.loads(lab.run("director", f"ip -{family} -j route get {BACKENDS[family][0]} {' '.join(more)}"))
    return answer[0]["gateway"]


@VIPS
@pytest.mark.parametrize("rule", ["to", "all"])
def test_rules_by_destination_and_table(l3, family, rule):
    selector = f"to {NET[family]}" if rule == "to" else "from all"
    with table_by(l3, family, R2[family], f"{selector} lookup {TABLE}"):
        wait_for("by r2", lambda: nexthops(l3, family) == {R2[family]})
        l3.assert_verified()
        assert kernel_says(l3, family) == R2[family]
        assert reasons(l3, family) == {("active", "")}
    wait_for("by r1", lambda: nexthops(l3, family) == {R1[family]})


@VIPS
def test_rules_by_the_one_ingress_interface(l3, family):
    with table_by(l3, family, R2[family], f"iif eth0 lookup {TABLE}"):
        wait_for("by r2", lambda: nexthops(l3, family) == {R2[family]})
        l3.assert_verified()
        assert kernel_says(l3, family, "from", CLIENT[family], "iif", "eth0") == R2[family]
        assert kernel_says(l3, family) == R1[family]  # what the node sends itself
        assert reasons(l3, family) == {("active", "")}
        by_r1, by_r2 = forwarded(l3, family)
        assert by_r2 > by_r1
