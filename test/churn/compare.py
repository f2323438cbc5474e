# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The kernel's view against the daemon's, backend by backend; see kernel.py for what the kernel would do."""
import collections

import kernel

MODES = {"none": 0, "l2": 1, "l3": 2, "local": 3}


def mode_of(forward, route):
    if forward == "auto" and not any(behind for _, _, behind in route.legs):
        return "l2"
    return "l3"


class Leg:
    """One leg that can carry packets."""

    def __init__(self, weight, link, neighbour):
        self.weight = weight
        self.src = link["address"]
        self.mtu = link["mtu"]
        self.ifindex = link["ifindex"]
        states = set(neighbour["state"]) if neighbour else set()
        self.known = bool(states & kernel.KNOWN)
        self.may_answer = not states & {"FAILED", "INCOMPLETE"}
        self.failed = "FAILED" in states
        self.dst = neighbour["lladdr"] if self.known else None

    def __repr__(self):
        return f"weight {self.weight} {self.src} -> {self.dst}"


def carrying(route, links, neighbours):
    """{(dev, next hop): Leg} of the legs that would carry packets."""
    legs = {}
    for (dev, address, _), (weight, alive) in route.legs.items():
        link = links.get(dev)
        if alive and link and {"UP", "LOWER_UP"} <= set(link["flags"]) and link["link_type"] == "ether":
            legs[dev, address] = Leg(weight, link, neighbours.get((dev, address)))
    return legs


def states_of(legs, weight):
    """The states that the daemon may show."""
    if not legs:
        return {"unreachable"}
    if any(leg.known for leg in legs.values()):
        return {"active"} if weight else {"draining"}
    states = set()
    if not any(leg.may_answer for leg in legs.values()):
        states.add("unreachable")
    if not all(leg.failed for leg in legs.values()):
        states.add("resolving" if weight else "draining")
    return states


def shown_differs(row, legs, states):
    if row["state"] not in states:
        return f"state {row['state']} ({row['reason']}), should be {' or '.join(sorted(states))}"
    paths = {(path["dev"], path["nexthop"]): path for path in row["paths"]}
    if set(paths) != set(legs):
        return f"paths {sorted(paths)}, should be {sorted(legs)}"
    for key, leg in legs.items():
        have = tuple(paths[key][name] for name in ("weight", "src_mac", "dst_mac", "mtu", "ifindex"))
        want = (leg.weight, leg.src, leg.dst, leg.mtu, leg.ifindex)
        if have != want:
            return f"path {key}: {have}, should be {want}"
    return None


def buckets_differ(buckets, legs):
    """The buckets against the weights: each leg has its share, rounded down or up, and at least one. Those without a
    MAC have theirs too, marked invalid: packets pass over them."""
    total = sum(leg.weight for leg in legs.values())
    counts = collections.Counter((bucket["ifindex"], bucket["nexthop"]) for bucket in buckets)
    by_index = {(leg.ifindex, address): leg for (_, address), leg in legs.items()}
    if set(counts) != set(by_index):
        return f"buckets {dict(counts)}, should be of {by_index}"
    shares = {key: len(buckets) * leg.weight / total for key, leg in by_index.items()}
    raised = sum(share < 1 for share in shares.values())
    for key, share in shares.items():
        if abs(counts[key] - share) >= 1 + raised:
            return f"buckets {dict(counts)}, {key} should have {share:.2f}"
    for bucket in buckets:
        leg = by_index[bucket["ifindex"], bucket["nexthop"]]
        have = (bucket["valid"], bucket["dst_mac"] if bucket["valid"] else None, bucket["src_mac"], bucket["mtu"])
        if have != (leg.known, leg.dst, leg.src, leg.mtu):
            return f"next hop {bucket}, should be {leg}"
    return None


def record_differs(record, mode, legs, state):
    if record is None:
        return "no record in the maps, or two"
    want = MODES["none" if state == "unreachable" else mode]
    if record["mode"] != want:
        return f"map: mode {record['mode']}, should be {want}"
    if state == "unreachable":
        return f"map: path {record['path']}, should be 0" if record["path"] else None
    differs = buckets_differ(record["buckets"], legs)
    return f"map: {differs}" if differs else None


def differences(view, shown, records, services):
    """One line of text for each backend where the two views differ."""
    routes, links, neighbours = view
    found = []
    for service, (forward, backends) in services.items():
        for address, weight in backends.items():
            key = (service, address)
            route, row = routes[address], shown[key]
            legs = carrying(route, links, neighbours)
            what = shown_differs(row, legs, states_of(legs, weight))
            what = what or record_differs(records.get(key), mode_of(forward, route), legs, row["state"])
            if what:
                found.append(f"{service} {address}: {what}\n    kernel: {route}\n    legs: {legs}\n    daemon: {row}")
    return found
