# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Adverts end to end: each ready configuration of examples/ beside shunt, and what the router learns."""
import contextlib
import json
import subprocess
import time

import pytest

from conftest import make_lab
from lab import BUILD, SANITIZED, wait_for

VIPS = {4: "203.0.113.10", 6: "2001:db8:203::10"}
KINDS = ("frr-bgp",) if SANITIZED else ("frr-bgp", "frr-ospf", "bird-bgp")


@pytest.fixture(scope="module", params=KINDS)
def lab(request):
    yield from make_lab(request.param)


@pytest.fixture(scope="module")
def bgp():
    yield from make_lab("frr-bgp")


def learnt(lab, family):
    """The edge router's routes to the VIP, as its kernel has them."""
    length = 32 if family == 4 else 128
    return json.loads(lab.run("edge", f"ip -j -{family} route show {VIPS[family]}/{length}") or "[]")


def await_learnt(lab, *families):
    wait_for("the router has the VIPs", lambda: all(learnt(lab, family) for family in families or VIPS))


def await_lost(lab, *families):
    wait_for("the router has lost the VIPs", lambda: not any(learnt(lab, family) for family in families or VIPS))


def adverts(lab):
    return {row["vip"]: row for row in lab.json("director", "show", "adverts")}


def routes(lab, protocol=240):
    """{address: metric} of what the director's kernel has of that protocol."""
    found = {}
    for family in (4, 6):
        for row in json.loads(lab.run("director", f"ip -j -{family} route show proto {protocol}") or "[]"):
            assert row["type"] == "blackhole"
            found[row["dst"]] = row["metric"]
    return found


def shunt(lab, *args):
    result = lab.shunt("director", *args)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def serve(lab):
    """Both VIPs answer."""
    for vip in VIPS.values():
        answers = lab.curl(vip, 20)
        assert sum(answers.values()) == 20 and "-" not in answers, answers


@contextlib.contextmanager
def without_backends(lab):
    """Every way to a backend is gone, and the routes come back."""
    lab.run("director", "ip route del 198.51.100.0/24")
    lab.run("director", "ip -6 route del 2001:db8:51::/64")
    # What is left is the default route: a host route that rejects says it at once.
    lab.run("director", "ip route add unreachable 198.51.100.0/24")
    lab.run("director", "ip -6 route add unreachable 2001:db8:51::/64")
    try:
        yield
    finally:
        lab.run("director", "ip route replace 198.51.100.0/24 via 198.18.1.2")
        lab.run("director", "ip -6 route del unreachable 2001:db8:51::/64")
        lab.run("director", "ip -6 route add 2001:db8:51::/64 via 2001:db8:18:1::2")


def test_vips_reach_the_router_and_are_served(lab):
    await_learnt(lab)
    assert {row["state"] for row in adverts(lab).values()} == {"advertised"}
    assert routes(lab) == {vip: 100 for vip in VIPS.values()}
    serve(lab)


def test_the_last_backend_takes_the_vip_with_it(lab):
    await_learnt(lab)
    with lab.streaming("director", "events", "-j") as events:
        with without_backends(lab):
            await_lost(lab)
            assert routes(lab) == {}
            for row in adverts(lab).values():
                assert row["state"] == "withdrawn" and row["metric"] == 0
                assert "0 of 2 backends active" in row["reason"]
        await_learnt(lab)
        told = [json.loads(line) for line in events()]
    states = [event["state"] for event in told if event["event"] == "advert" and event["vip"] == VIPS[6]]
    assert states == ["withdrawn", "advertised"]
    serve(lab)


def test_one_backend_of_two_is_enough(lab):
    await_learnt(lab)
    lab.run("director", "ip route add unreachable 198.51.100.11/32")
    try:
        wait_for("unreachable", lambda: lab.backends()["198.51.100.11"]["state"] == "unreachable")
        assert adverts(lab)[VIPS[4]]["state"] == "advertised"
        assert learnt(lab, 4)
    finally:
        lab.run("director", "ip route del unreachable 198.51.100.11/32")
    wait_for("active", lab.all_active)


def test_drain_and_undrain_a_vip(lab):
    await_learnt(lab)
    shunt(lab, "drain", "--vip", VIPS[4])
    assert adverts(lab)[VIPS[4]] == {"vip": VIPS[4], "state": "draining", "metric": 200,
                                     "reason": "drained by the operator"}
    assert routes(lab) == {VIPS[4]: 200, VIPS[6]: 100}
    assert learnt(lab, 4)
    wait_for("withdrawn", lambda: adverts(lab)[VIPS[4]]["state"] == "withdrawn")
    await_lost(lab, 4)
    assert learnt(lab, 6)
    shunt(lab, "undrain", "--vip", VIPS[4])
    await_learnt(lab)
    assert adverts(lab)[VIPS[4]]["state"] == "advertised"


def test_kill_9_and_restart_keep_the_adverts(lab):
    """Not one message to the router: what it learnt is as old as before."""
    await_learnt(lab)
    with lab.monitoring("edge", "route") as changes:
        lab.kill("director")
        assert routes(lab) == {vip: 100 for vip in VIPS.values()}
        serve(lab)
        lab.start("director")
        lab.assert_verified()
        assert {row["state"] for row in adverts(lab).values()} == {"advertised"}
        # A change that does reach the router, so that what came before it has come, too.
        shunt(lab, "drain", "--vip", VIPS[6])
        await_lost(lab, 6)
        assert not [line for line in changes() if VIPS[4] in line]
    shunt(lab, "undrain", "--vip", VIPS[6])
    await_learnt(lab)


def test_a_restart_in_place_keeps_the_adverts(lab):
    await_learnt(lab)
    lab.signal("director", "USR2")
    assert routes(lab) == {vip: 100 for vip in VIPS.values()}
    lab.start("director")
    assert routes(lab) == {vip: 100 for vip in VIPS.values()}


def test_a_clean_stop_drains_and_withdraws(lab):
    await_learnt(lab)
    lab.stop("director")
    said = (lab.run_dir / "director.log").read_text().splitlines()[-4:]
    assert [f"advert {VIPS[4]} {state}" in line for state, line in zip(("draining with metric 200", "draining",
            "withdrawn", "withdrawn"), said)] == [True, False, True, False], said
    assert routes(lab) == {}
    await_lost(lab)
    lab.start("director")
    await_learnt(lab)
    serve(lab)


def findings(lab, node="director"):
    return lab.doctor(node)


def test_doctor_finds_the_vips_at_a_neighbour(lab):
    await_learnt(lab)
    status, found, text = findings(lab)
    assert status == 0, text
    assert found["routing"] == ["ok"]
    protocol = next(name for name in ("bgp", "ospf", "bird") if name in found)
    assert found[protocol] == ["ok", "ok"], text


# ---- what does not depend on the routing daemon


def bgp_paths(lab, family):
    afi = "ipv4" if family == 4 else "ipv6"
    length = 32 if family == 4 else 128
    text = lab.call("vty", "edge", f"show bgp {afi} unicast {VIPS[family]}/{length} json")
    return json.loads(text).get("paths", [])


@pytest.mark.parametrize("family", VIPS)
def test_bgp_sees_med_and_graceful_shutdown(bgp, family):
    await_learnt(bgp)
    paths = wait_for("a path", lambda: bgp_paths(bgp, family))
    assert [path["metric"] for path in paths] == [100]
    assert "community" not in paths[0]
    shunt(bgp, "drain", "--vip", VIPS[family])
    drained = wait_for("MED 200", lambda: [path for path in bgp_paths(bgp, family) if path["metric"] == 200])
    assert drained[0]["community"]["string"] == "graceful-shutdown"
    shunt(bgp, "undrain", "--vip", VIPS[family])
    wait_for("MED 100", lambda: [path for path in bgp_paths(bgp, family) if path["metric"] == 100])


def test_a_route_that_somebody_else_removes_is_put_back(bgp):
    """At once, and where that goes on, once a second: it is said, and nobody is kept busy."""
    await_learnt(bgp)

    def put_back():
        return bgp.json("director", "status")["adverts"]["put_back"]

    def of_vip(lines):
        return [line for line in lines if VIPS[4] in line]

    before = put_back()
    with bgp.monitoring("director", "route") as changes:
        bgp.run("director", f"ip route del blackhole {VIPS[4]}")
        wait_for("put back", lambda: put_back() == before + 1)
        assert routes(bgp) == {vip: 100 for vip in VIPS.values()}
        told = wait_for("both changes", lambda: of_vip(changes())[1:] and of_vip(changes()))
        assert [line.startswith("Deleted") for line in told] == [True, False], told
    bgp.run("director", f"ip -6 route del blackhole {VIPS[6]} proto 240 metric 100")
    row = adverts(bgp)[VIPS[6]]
    if row["state"] == "withdrawn":  # unless a second has gone by since
        assert "somebody else" in row["reason"]
    wait_for("advertised again", lambda: adverts(bgp)[VIPS[6]]["state"] == "advertised")
    begin, count = time.monotonic(), put_back()
    removed = 0
    while time.monotonic() < begin + 2.5:
        removed += not bgp.run("director", f"ip route del blackhole {VIPS[4]}", check=False)
    took = time.monotonic() - begin
    wait_for("advertised again", lambda: adverts(bgp)[VIPS[4]]["state"] == "advertised")
    assert removed > count - before and 1 <= put_back() - count <= took + 3
    assert routes(bgp) == {vip: 100 for vip in VIPS.values()}
    await_learnt(bgp)


def test_what_a_dead_daemon_left_is_withdrawn_by_hand(bgp):
    await_learnt(bgp)
    bgp.kill("director")
    out = bgp.run("director", str(BUILD / "shunt"), "withdraw", str(bgp.run_dir / "shunt.yaml"))
    assert out == "withdrawn: 2 routes with protocol 240\n"
    assert routes(bgp) == {}
    await_lost(bgp)
    # A file that cannot be read is no reason to stay.
    bgp.run("director", f"ip route add blackhole {VIPS[4]} proto 240 metric 100")
    result = subprocess.run([*bgp.enter("director"), BUILD / "shunt", "withdraw", "/nonexistent", "-j"], text=True,
                            capture_output=True, check=False)
    assert result.returncode == 0 and json.loads(result.stdout) == {"withdrawn": 1, "protocol": 240}
    assert "default protocol" in result.stderr
    bgp.start("director")
    await_learnt(bgp)


def test_orphans_are_swept_at_start(bgp):
    await_learnt(bgp)
    bgp.kill("director")
    bgp.run("director", "ip route add blackhole 203.0.113.99 proto 240 metric 100")
    bgp.run("director", "ip -6 route add blackhole 2001:db8:203::99 proto 240 metric 100 table 77")
    bgp.run("director", "ip route add blackhole 203.0.113.98 proto 239 metric 100")
    bgp.start("director")
    assert routes(bgp) == {vip: 100 for vip in VIPS.values()}
    assert not bgp.run("director", "ip -6 route show table 77", check=False)
    assert list(routes(bgp, 239)) == ["203.0.113.98"]
    bgp.run("director", "ip route del blackhole 203.0.113.98")


def test_min_active_and_every_service_of_a_vip(bgp):
    await_learnt(bgp)
    second = ("\n  - name: second\n    vip: 203.0.113.10\n    ports: [81/tcp]\n    forward: l3\n"
              "    advertise: true\n    min-active: 2\n    backends: [198.51.100.11, 198.51.100.12]\n")
    with bgp.configured(lambda text: text + second, "director"):
        assert adverts(bgp)[VIPS[4]]["state"] == "advertised"
        shunt(bgp, "drain", "198.51.100.11", "second")
        row = wait_for("withdrawn", lambda: next(
            (row for row in [adverts(bgp)[VIPS[4]]] if row["state"] == "withdrawn"), None))
        assert row["reason"] == "second: 1 of 2 backends active, min-active is 2"
        await_lost(bgp, 4)
        shunt(bgp, "undrain", "198.51.100.11", "second")
        await_learnt(bgp)


def test_a_service_that_leaves_the_file_is_withdrawn(bgp):
    await_learnt(bgp)
    with bgp.configured(lambda text: text[:text.index("  - name: web6")], "director"):
        assert list(routes(bgp)) == [VIPS[4]]
        await_lost(bgp, 6)
    await_learnt(bgp)


def test_an_interface_without_the_program_advertises_nothing(bgp):
    await_learnt(bgp)
    with bgp.configured(lambda text: text.replace('"eth*"', '"none*"').replace(
            "interfaces:", "role: director\ninterfaces:"), "director"):
        assert routes(bgp) == {}
        assert {row["state"] for row in adverts(bgp).values()} == {"withdrawn"}
        assert "no interface" in adverts(bgp)[VIPS[4]]["reason"]
    await_learnt(bgp)


def test_a_drained_backend_takes_no_new_flows(bgp):
    await_learnt(bgp)
    assert shunt(bgp, "drain", "198.51.100.11") == "done: 1 marked\n"
    wait_for("draining", lambda: bgp.backends()["198.51.100.11"]["state"] == "draining")
    assert bgp.backends()["198.51.100.11"]["reason"] == "drained by the operator"
    # The routers' own paths may still be settling from the test before: then one may go without an answer,
    # but the drained backend gets none.
    assert "b1" not in bgp.curl(VIPS[4], 30)
    wait_for("b2 answers all", lambda: bgp.curl(VIPS[4], 30) == {"b2": 30})
    # It outlives a reload and a restart.
    shunt(bgp, "reload")
    assert bgp.backends()["198.51.100.11"]["state"] == "draining"
    bgp.assert_verified("director")
    bgp.kill("director")
    bgp.start("director")
    assert bgp.backends()["198.51.100.11"]["state"] == "draining"
    assert bgp.curl(VIPS[4], 30) == {"b2": 30}
    shunt(bgp, "undrain", "198.51.100.11", "web")
    wait_for("active", lambda: bgp.backends()["198.51.100.11"]["state"] == "active")
    assert set(bgp.curl(VIPS[4], 60)) == {"b1", "b2"}


@pytest.mark.parametrize("args, says", [
    (["drain", "198.51.100.99"], "no service has the backend 198.51.100.99"),
    (["drain", "198.51.100.11", "web6"], "service web6 has no backend 198.51.100.11"),
    (["drain", "b1"], "'b1' is no address"),
    (["drain", "--vip", "203.0.113.77"], "no service advertises 203.0.113.77"),
])
def test_what_cannot_be_drained_is_said(bgp, args, says):
    result = bgp.shunt("director", *args)
    assert result.returncode == 1
    assert says in result.stderr, result.stderr


@pytest.mark.parametrize("args", [("198.51.100.11",), ("--vip", VIPS[4])])
def test_a_backend_drains_nothing(bgp, args):
    result = bgp.shunt("b1", "drain", *args)
    assert (result.returncode, result.stderr) == (1, "shunt: this node is a backend and sends no flows: drain on each director\n")


def test_down_takes_leave_first(bgp):
    await_learnt(bgp)
    shunt(bgp, "down")
    assert routes(bgp) == {}
    assert bgp.program("director", "eth0") is None
    await_lost(bgp)
    bgp.forget("director")
    bgp.start("director")
    await_learnt(bgp)
    serve(bgp)


def test_doctor_warns_where_only_the_default_route_leads(bgp):
    """And no longer with its remedy: then the backend is unreachable."""
    await_learnt(bgp)
    assert "reach" not in findings(bgp)[1]
    networks = {"-4": ("198.51.100.0/24", "198.18.1.2"), "-6": ("2001:db8:51::/64", "2001:db8:18:1::2")}
    for family, (network, _) in networks.items():
        bgp.run("director", f"ip {family} route del {network}")
    try:
        _, found, text = findings(bgp)
        assert found["reach"] == ["warn"]
        assert "only the default route leads to 198.51.100.11 (and 3 more)" in text
        for family, (network, _) in networks.items():
            bgp.run("director", f"ip {family} route add unreachable {network} metric 4000000000")
        assert "reach" not in findings(bgp)[1]
        wait_for("unreachable", lambda: {row["state"] for row in bgp.backends().values()} == {"unreachable"})
    finally:
        for family, (network, router) in networks.items():
            bgp.run("director", f"ip {family} route flush {network}")
            bgp.run("director", f"ip {family} route add {network} via {router}")
    wait_for("active", lambda: bgp.all_active())
    await_learnt(bgp)


def test_doctor_misses_what_is_not_there(bgp):
    await_learnt(bgp)
    status, found, _ = findings(bgp, "b1")
    assert status == 0 and "routing" not in found and found["aliases"] == ["ok"]
    bgp.run("director", "sysctl -qw net.ipv4.ip_forward=0")
    try:
        status, found, text = findings(bgp)
        assert status == 1 and "net.ipv4.ip_forward is 0" in text
    finally:
        bgp.run("director", "sysctl -qw net.ipv4.ip_forward=1")
    vty = ["configure terminal", "router bgp 65010", "address-family ipv4 unicast"]
    bgp.call("vty", "director", "\n".join([*vty, "no redistribute kernel"]))
    await_lost(bgp, 4)
    status, found, text = findings(bgp)
    assert status == 1 and found["bgp"] == ["fail", "ok"], text
    bgp.call("vty", "director", "\n".join([*vty, "redistribute kernel route-map shunt4"]))
    await_learnt(bgp)
    bgp.stop("director")
    status, found, text = findings(bgp)
    assert status == 1 and found["daemon"] == ["fail"], text
    bgp.start("director")
    await_learnt(bgp)
    assert findings(bgp)[0] == 0
