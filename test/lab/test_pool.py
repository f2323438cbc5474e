# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Established connections live through changes of the pool: backends added, drained, removed, weighted anew."""
import itertools
import os
import random
import time

import pytest

from lab import COMPLAINT, SANITIZED, wait_for
from pool import Pool

SIZE = 6
COUNT = 1000
# With sanitizers the daemons are looked at, and fewer will do. More of them: SHUNT_POOL_CHANGES=1000 make lab PYTEST='-k pool'
CHANGES = int(os.environ.get("SHUNT_POOL_CHANGES", "15" if SANITIZED else "50"))
# "/": IPv4 in IPv6, and IPv6 in IPv4.
MODES = pytest.mark.parametrize("forward", ["l2", "gue/"] if SANITIZED else ["l2", "l3", "ipip", "gue/"])


def change(dice, weights):
    """One change of the pool {number: weight}; somebody always takes new flows."""
    while True:
        changed = dict(weights)
        number = dice.randrange(SIZE)
        what = dice.choice(["add", "drain", "remove", "weigh"])
        if (what == "add") == (number in weights):
            continue
        if what == "remove":
            del changed[number]
        else:
            changed[number] = 0 if what == "drain" else dice.randint(1, 5)
        if changed != weights and any(changed.values()):
            return changed


def assert_unbroken(found):
    assert found["broken"] == [], found
    assert found["worst"] - found["lag"] < 1.0, found
    assert found["connections"] >= COUNT and len(found["by"]) > 1, found
    # Data did flow: an answer every half second takes at least a few on each.
    assert found["messages"] > 3 * COUNT, found


def assert_new_ones_go_to(pool, allowed):
    with pool.connections(50, 0) as found:
        pass
    assert set(found["by"]) <= allowed, found


def pause(dice):
    """Changes come in bursts, and with time between them for transitions to end."""
    time.sleep(dice.choice((0, 0, 0.1, 0.5)))


@MODES
def test_no_connection_breaks_through_changes_of_the_pool(forward):
    dice = random.Random(4)
    with Pool(SIZE, 1, forward, "2s") as pool:
        weights = dict.fromkeys(range(SIZE), 1)
        with pool.connections(COUNT, 200) as found:
            for _ in range(CHANGES):
                weights = change(dice, weights)
                pool.load(weights)
                pause(dice)
            assert pool.shunt("d0", "verify").returncode == 0, pool.shunt("d0", "verify").stdout
        assert_unbroken(found)
        assert found["late"] > 0
        assert_new_ones_go_to(pool, {f"b{number}" for number, weight in weights.items() if weight})
        wait_for("the transitions end", lambda: pool.moving("d0") == 0, 30)
        wait_for("who was removed is gone", lambda: len(pool.json("d0", "show", "backends")) == 2 * len(weights), 30)
        assert pool.shunt("d0", "verify").returncode == 0
        assert not COMPLAINT.search(pool.logs()), pool.logs()


# What the file makes of the services with each change of the pool, and whether the daemon dies before it.
NAMES = (
    ("other names", (("shop", 0, "80/tcp"), ("shop6", 1, "80/tcp")), False),
    ("swapped, and a port more", (("shop6", 0, "80/tcp, 443/tcp"), ("shop", 1, "443/tcp, 80/tcp")), False),
    ("split, and the connections are under a new name", (("web", 0, "443/tcp"), ("front", 0, "80/tcp"), ("web6", 1, "443/tcp"),
                                                         ("front6", 1, "80/tcp")), False),
    ("other names at a start", (("shop", 0, "80/tcp"), ("tls", 0, "443/tcp"), ("shop6", 1, "80/tcp")), True),
    ("every port", (("all", 0, "any/tcp"), ("all6", 1, "any/tcp")), False),
    ("one port", (("web", 0, "80/tcp"), ("web6", 1, "80/tcp")), False),
)


def test_no_connection_breaks_through_other_names_of_the_services():
    with Pool(SIZE, 1, "l2", "2m") as pool:
        with pool.connections(COUNT // 5, 200) as found:
            for turn, (what, services, dies) in enumerate(NAMES):
                weights = {(turn + number) % SIZE: 1 for number in range(3)}
                if dies:
                    pool.write(weights, services)
                    pool.restart("d0")
                else:
                    pool.load(weights, services)
                # Each of them has asked after it, and had an answer or a reset.
                time.sleep(0.7)
                assert pool.shunt("d0", "verify").returncode == 0, (what, pool.shunt("d0", "verify").stdout)
        assert found["broken"] == [], found
        assert found["connections"] > COUNT // 5 and len(found["by"]) == SIZE, found
        told = [line for line in pool.logs().splitlines() if "connections to" in line]
        assert not COMPLAINT.search(pool.logs()), pool.logs()
        # Two services' ports became one's, and they had the same backends but were in transition.
        assert told and all("443/tcp, which another service had" in line for line in told), told


@MODES
def test_flows_may_move_between_directors_meanwhile(forward):
    dice = random.Random(5)
    ways = itertools.cycle([(0,), (0, 1), (1,), (1, 0)])
    with Pool(SIZE, 2, forward, "2m") as pool:
        weights = dict.fromkeys(range(SIZE), 1)
        with pool.connections(COUNT, 0) as found:
            for turn in range(CHANGES):
                weights = change(dice, weights)
                pool.load(weights)
                if turn % 3 == 0:
                    pool.route(*next(ways))
                pause(dice)
        assert_unbroken(found)
        assert not COMPLAINT.search(pool.logs()), pool.logs()
