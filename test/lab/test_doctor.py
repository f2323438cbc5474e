# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the doctor sees that needs no routing daemon: where it looks, what goes round and round, what the NIC hides."""
import contextlib

import pytest

VIPS = {"-4": "203.0.113.10", "-6": "2001:db8:203::10"}


@pytest.mark.parametrize("node, role", [("director", "director"), ("b1", "backend")])
def test_it_looks_where_the_daemon_is(l3, node, role):
    """Asked from another network namespace it says the same."""
    status, inside, text = l3.doctor(node)
    assert status == 0 and "netns" not in inside, text
    status, outside, text = l3.doctor(node, inside=False)
    assert status == 0 and outside.pop("netns") == ["ok"], text
    assert outside == inside and f"{role} (" in text


def test_it_says_where_it_may_not_look(l3):
    """Who may not enter the daemon's network is told how to, and that the rest is about another one."""
    status, found, text = l3.doctor("director", inside=False, by=("setpriv", "--bounding-set=-sys_admin"))
    assert status == 1 and found["netns"] == ["fail"], text
    assert "Operation not permitted" in text and "nsenter --net=/proc/" in text


def test_its_file_is_the_daemons_unless_another_is_named(l3, tmp_path):
    result = l3.shunt("director", "doctor")
    assert f"ok    file        {l3.run_dir}/shunt.yaml: " in result.stdout, result.stdout
    assert result.returncode == 0
    other = tmp_path / "other.yaml"
    other.write_text("services: []\n")
    assert f"ok    file        {other}: 0 services" in l3.shunt("director", "doctor", other).stdout


def test_a_node_that_the_file_makes_a_backend_and_that_is_none(l3):
    with l3.configured(lambda text: "role: both\n" + text, "director"):
        status, found, text = l3.doctor("director")
        assert status == 0 and found["aliases"] == ["warn"], text
        assert "it serves no VIP" in text
    assert "aliases" not in l3.doctor("director")[1]


@contextlib.contextmanager
def nothing_for_the_vip(lab, family):
    lab.run("director", f"ip {family} route del blackhole {VIPS[family]}")
    try:
        yield
    finally:
        lab.run("director", f"ip {family} route add blackhole {VIPS[family]}")


def knocks(lab, family):
    """How many packets one SYN to a port without a service makes the director receive."""
    host = VIPS[family] if family == "-4" else f"[{VIPS[family]}]"
    before = lab.counters("director", "eth0")[0]
    lab.run("client", "curl", "-s", "--max-time", "0.5", f"http://{host}:81/", check=False)
    return lab.counters("director", "eth0")[0] - before


@pytest.mark.parametrize("family", VIPS)
def test_what_is_for_no_service_does_not_go_round_and_round(l3, family):
    assert "vips" not in l3.doctor("director")[1]
    assert knocks(l3, family) < 15
    with nothing_for_the_vip(l3, family):
        status, found, text = l3.doctor("director")
        assert status == 0 and found["vips"] == ["warn"], text
        assert f"ip route add blackhole {VIPS[family]}" in text
        assert knocks(l3, family) > 20
    assert "vips" not in l3.doctor("director")[1]


def test_vlan_tags_that_the_nic_takes_off(l3):
    """Hidden from XDP; in generic mode they stay with what is forwarded."""
    assert l3.json("director", "show", "interfaces")[0]["mode"] == "generic"
    l3.run("director", "ethtool -K eth0 rxvlan on")
    status, found, text = l3.doctor("director")
    assert status == 0 and found["vlan"] == ["warn"] and "ethtool -K eth0 rxvlan off" in text
    l3.run("director", "ethtool -K eth0 rxvlan off")
    try:
        assert "vlan" not in l3.doctor("director")[1]
    finally:
        l3.run("director", "ethtool -K eth0 rxvlan on")
