# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The audit: it finds what nobody told, mends it and says so; and finds nothing where all is told."""
import contextlib
import json
import subprocess

import pytest

import scale
from lab import wait_for

BACKENDS = 300  # more than one piece


def text(audit):
    return f"audit: {audit}\n" + scale.file_text(BACKENDS, BACKENDS)


@contextlib.contextmanager
def started(audit):
    with scale.running(text(audit)) as (network, daemon):
        daemon.start()
        daemon.wait_active()
        yield network, daemon


@pytest.fixture(scope="module")
def director():
    with started("1s") as both:
        yield both


def audit(daemon):
    return daemon.status()["audit"]


def another(daemon, found=None):
    """Waits until an audit that begins from now on has ended, and returns what it says."""
    runs = audit(daemon)["runs"]
    done = daemon.wait_until("another audit", lambda status: status["audit"]["runs"] >= runs + 2, 20)["audit"]
    assert found is None or done["found"] == found, daemon.log.read_text(errors="replace")[-2000:]
    return done


def quiet(daemon):
    """Waits for an audit without an event beside it: most of them have all next hops stored again."""
    def undisturbed():
        events = daemon.status()["netlink"]["events"]
        done = another(daemon)
        return done if daemon.status()["netlink"]["events"] == events else None

    return wait_for("an audit without events beside it", undisturbed, 30)


def dump(pin):
    return [([int(word, 16) for word in entry["key"]], [int(word, 16) for word in entry["value"]])
            for entry in json.loads(scale.run("bpftool", "-j", "map", "dump", "pinned", str(pin)))]


def tamper(daemon, name, change):
    """change(value) says whether it has changed the bytes of an entry of the pinned map: all such are stored."""
    pin = daemon.pin_dir / "maps" / name
    changed = [(key, value) for key, value in dump(pin) if change(value)]
    for key, value in changed:
        scale.run("bpftool", "map", "update", "pinned", str(pin), "key", "hex", *(f"{byte:02x}" for byte in key),
                  "value", "hex", *(f"{byte:02x}" for byte in value))
    assert changed


def test_next_hops_that_were_changed_behind_its_back(director):
    _, daemon = director
    before = quiet(daemon)["found"]

    def other_mac(value):
        value[5] ^= 0xFF
        return any(value[:5])

    with daemon.streaming("events", "-j") as lines:
        tamper(daemon, "nexthops", other_mac)
        assert not daemon.verified()
        found = daemon.wait_until("found", lambda status: status["audit"]["found"] > before, 20)["audit"]["found"] - before
        # One for each router, unless an event about it came first.
        assert 1 <= found <= scale.ROUTERS
        events = wait_for("events", lambda: [event for event in map(json.loads, lines()) if event["event"] == "audit"])
    assert daemon.verified()
    assert len(events) == found
    for event in events:
        assert event["what"].startswith("next hop 198.51.100.") and event["want"] != event["have"]
        assert f"<4>audit: {event['what']} of {event['where']} was missed" in daemon.log.read_text()


def test_paths_that_were_changed_behind_its_back(director):
    """Paths are never written twice: the tables are built anew."""
    network, daemon = director
    before = audit(daemon)["found"]

    def other_nexthop(value):
        value[4] ^= 1
        return any(value[:4])

    scale.run(f"ip -n {network.director} route replace {scale.BEHIND[0]} nexthop via {network.router(0)} "
              f"nexthop via {network.router(2)}")
    wait_for("two ways", lambda: len(daemon.json("show", "backends")[0]["paths"]) == 2)
    tamper(daemon, "paths", other_nexthop)
    assert not daemon.verified()
    daemon.wait_until("it is found", lambda status: status["audit"]["found"] > before, 20)
    wait_for("mended", daemon.verified)
    network.route(0, 0)
    wait_for("one way", lambda: len(daemon.json("show", "backends")[0]["paths"]) == 1)


def test_an_entry_that_somebody_removed(director):
    _, daemon = director
    before = audit(daemon)["found"]
    pin = daemon.pin_dir / "maps" / "vips4"
    entries = dump(pin)
    scale.run("bpftool", "map", "delete", "pinned", str(pin), "key", "hex", *(f"{byte:02x}" for byte in entries[0][0]))
    assert not daemon.verified()
    wait_for("mended", daemon.verified, 20)
    assert audit(daemon)["found"] - before in (0, 1)  # the maps of VIPs are stored again now and then
    assert sorted(dump(pin)) == sorted(entries)


@pytest.mark.parametrize("name, begins, ends, at", [
    ("guesses", 8, 12, 0),  # an entry with a service gets another ring
    ("lanes", 0, 0, 16),  # a backend by l3 gets a lane
], ids=["guesses", "lanes"])
def test_what_the_straight_way_goes_by(director, name, begins, ends, at):
    _, daemon = director
    pin = daemon.pin_dir / "maps" / name
    entries, seen = dump(pin), []

    def spoiled(value):
        seen.append(value)
        if len(seen) == 1 or begins != ends and not any(value[begins:ends]):  # nobody has the first lane
            return False
        value[at] ^= 1
        return True

    tamper(daemon, name, spoiled)
    assert dump(pin) != entries
    wait_for("mended", daemon.verified, 20)
    assert dump(pin) == entries


def test_nothing_is_found_where_all_is_told(director):
    network, daemon = director
    before = audit(daemon)
    runs = before["runs"]

    def flapped_through_two():
        network.route(0, 2)
        network.new_mac(1)
        network.route(0, 0)
        scale.run(f"ip -n {network.director} link set r3 down")
        scale.run(f"ip -n {network.director} link set r3 up")
        network.route(3, 3)
        return audit(daemon)["runs"] >= runs + 3

    wait_for("some audits beside changes", flapped_through_two, 60)
    assert another(daemon, found=before["found"])["interval"] == 1
    wait_for("the maps are as the kernel says", daemon.verified)


def test_it_runs_where_something_always_changes(director):
    network, daemon = director
    before = audit(daemon)
    routes = [f"route replace {scale.BEHIND[0]} via {network.router(router)}\n" for router in (2, 0)]
    with subprocess.Popen(["ip", "-n", network.director, "-batch", "-"], stdin=subprocess.PIPE, text=True) as changes:
        def more():
            changes.stdin.write("".join(routes) * 1000)
            return audit(daemon)["runs"] > before["runs"] + 1
        wait_for("an audit beside changes without an end", more, 60)
        changes.stdin.close()
    another(daemon, found=before["found"])
    wait_for("the maps are as the kernel says", daemon.verified)


def test_it_may_be_off_and_comes_on_by_reload():
    with started("off") as (_, daemon):
        assert audit(daemon) == {"interval": 0, "runs": 0, "found": 0, "last": None}
        assert "off" in daemon.shunt("status").stdout
        daemon.file.write_text(text("1s"))
        assert daemon.shunt("reload").returncode == 0
        another(daemon, found=0)
        assert audit(daemon)["last"] > 1.7e9
