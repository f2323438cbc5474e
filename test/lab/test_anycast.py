# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The anycast lab: two directors behind an ECMP router. What dies is replaced; what takes leave loses nothing."""
import collections
import contextlib
import json

import pytest

from conftest import make_lab
from lab import BUILD, wait_for

VIPS = {4: "203.0.113.10", 6: "2001:db8:203::10"}
WEB = [f"http://{VIPS[4]}/", f"http://[{VIPS[6]}]/"]
BACKENDS = {"b1", "b2", "b3"}
LOST_AFTER = 0.5


@pytest.fixture(scope="module", params=["frr", "bird"])
def anycast(request):
    for lab in make_lab("anycast", {"ROUTING": request.param}, ("d1", "d2", "b1", "b2", "b3")):
        lab.routing = request.param
        yield lab


def ways(lab):
    """The directors that the edge router spreads a VIP's flows over, by family."""
    found = {}
    for family, vip in VIPS.items():
        length = 32 if family == 4 else 128
        rows = json.loads(lab.run("edge", f"ip -j -{family} route show {vip}/{length}") or "[]")
        found[family] = sum(len(row.get("nexthops", [row])) for row in rows)
    return found


def await_ways(lab, count):
    wait_for(f"{count} ways to each VIP", lambda: set(ways(lab).values()) == {count}, 30)


def await_whole(lab):
    for director in ("d1", "d2"):
        wait_for(f"{director} reaches all", lambda director=director: lab.all_active(director), 30)
    await_ways(lab, 2)


def drain(lab, node, verb="drain"):
    for vip in VIPS.values():
        result = lab.shunt(node, verb, "--vip", vip)
        assert result.returncode == 0, result.stdout + result.stderr


def mapping(lab, vip):
    """{source port: backend} of 60 flows, the same ones each time."""
    host = f"[{vip}]" if ":" in vip else vip
    flows = {}
    for number, request in enumerate(lab.requests(f"udp://{host}:7", count=60, rate=100, port=20000)):
        assert request.ok, request
        flows[number] = request.answer
    return flows


@pytest.mark.parametrize("family", VIPS)
def test_ecmp_moves_a_flow_and_its_backend_stays(anycast, family):
    """Each director computes the same ring: d1 takes leave, and d2 sends each flow where d1 did."""
    await_whole(anycast)
    before = mapping(anycast, VIPS[family])
    assert set(before.values()) == BACKENDS
    drain(anycast, "d1")
    await_ways(anycast, 1)
    counts = anycast.counters("d2", "eth0")
    assert mapping(anycast, VIPS[family]) == before
    assert anycast.counters("d2", "eth0")[0] - counts[0] >= 60
    drain(anycast, "d1", "undrain")
    await_ways(anycast, 2)


def test_a_drained_director_loses_no_request(anycast):
    await_whole(anycast)
    with anycast.traffic(*WEB, rate=50, timeout=LOST_AFTER) as traffic:
        drain(anycast, "d1")
        await_ways(anycast, 1)
        wait_for("withdrawn", lambda: all(row["state"] == "withdrawn" for row in anycast.json("d1", "show", "adverts")))
        traffic.more(30)
        drain(anycast, "d1", "undrain")
        await_ways(anycast, 2)
        traffic.more(30)
    assert traffic.failed() == []


def test_a_stopped_director_loses_no_request(anycast):
    await_whole(anycast)
    with anycast.traffic(*WEB, rate=50, timeout=LOST_AFTER) as traffic:
        anycast.stop("d1")
        await_ways(anycast, 1)
        traffic.more(30)
        anycast.start("d1")
        await_ways(anycast, 2)
        traffic.more(30)
    assert traffic.failed() == []


@pytest.mark.parametrize("node", ["d1", "r1"])
def test_what_dies_is_replaced(anycast, node):
    """A director, or a router in front of the backends: only requests of the moment itself are lost."""
    await_whole(anycast)
    with anycast.traffic(*WEB, rate=50, timeout=LOST_AFTER) as traffic:
        with traffic.change():
            anycast.call("die", node)
            if node == "d1":
                await_ways(anycast, 1)
            wait_for("served by what is left", lambda: served(anycast))
        traffic.more(50)
    assert traffic.failed_beside_changes() == []
    anycast.call("back", node)
    await_whole(anycast)


def served(lab):
    return all(collections.Counter(lab.curl(vip, 20)).keys() <= BACKENDS for vip in VIPS.values())


def test_the_last_backend_takes_the_vips_off_the_network(anycast):
    await_whole(anycast)
    anycast.call("racks", "down")
    try:
        await_ways(anycast, 0)
        for row in anycast.json("d1", "show", "adverts"):
            assert row["state"] == "withdrawn" and "0 of 3 backends active" in row["reason"]
    finally:
        anycast.call("racks", "up")
    await_whole(anycast)
    wait_for("served", lambda: served(anycast), 30)


def test_a_routing_daemon_that_is_killed_comes_back(anycast):
    """Graceful restart: the neighbours keep what it told them, the kernel what it wrote. FRR 8.4's bgpd removes its
    routes once, when it is back: then d1 takes leave until it has learnt them again. The last one of this file: a
    director that dies soon after may be taken for one that restarts, and keeps its routes at the edge for 120 s."""
    await_whole(anycast)
    with anycast.traffic(*WEB, rate=50, timeout=LOST_AFTER) as traffic:
        with traffic.change() if anycast.routing == "frr" else contextlib.nullcontext():
            anycast.call("bounce", "d1")
            # The edge router's routes were there all the time: that the sessions are up again, the daemon tells.
            wait_for("the sessions are up", lambda: told(anycast, "d1"), 30)
            await_whole(anycast)
        traffic.more(30)
    assert traffic.failed_beside_changes() == []
    assert len(traffic.failed()) < 50, "d2 serves meanwhile"


def told(lab, node):
    """Has a neighbour been told of each VIP? `shunt doctor` asks the routing daemon."""
    result = lab.run(node, str(BUILD / "shunt"), "--socket", str(lab.run_dir / f"{node}.sock"), "-j", "doctor",
                     str(lab.run_dir / "shunt.yaml"), check=False)
    texts = [row["text"] for row in json.loads(result) if row["state"] == "ok"]
    return all(f"a neighbour has been told of {vip}" in texts for vip in VIPS.values())
