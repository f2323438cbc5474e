# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""BIRD fills, empties and moves a table beside us: none of it is lost, little of it comes, and what is ours is followed.

`make bench PART=routes` is the same with a million routes, and measures what it costs."""
import full_table
from lab import COMPLAINT, SANITIZED, wait_for

ROUTES = 20000 if SANITIZED else 50000
MIB = 2**20


def test_a_table_that_churns_costs_nothing():
    with full_table.running(ROUTES) as director:
        bird = director.bird
        before, reading = full_table.kernel_routes(director.netns), director.reading()
        assert reading.netlink["filter"] is True
        bird.start()
        bird.settle(60)
        director.reach(True)
        wait_for("all of BIRD's routes", lambda: full_table.kernel_routes(director.netns) - before == ROUTES, 60)
        for verb, reached in (("disable", False), ("enable", True)):
            bird.every(verb)
            bird.settle(60)
            director.reach(reached)
        bird.routes_by(1)
        bird.ask("configure")
        bird.settle(60)
        _, _, grown, counters = director.reading().since(reading)
        assert counters["overruns"] == 0 and counters["unparsed"] == 0, counters
        assert 8 <= counters["events"] < 500, counters
        assert SANITIZED or grown < MIB, grown
        wait_for("they go by the other router", lambda: all(director.ways(address) == {"d1"} for address in
                                                            full_table.BACKENDS))
        wait_for("as the kernel says", director.daemon.verified)
        assert not COMPLAINT.search(director.daemon.log.read_text(errors="replace"))
