# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What `shunt show backends` must say, worked out from what `ip -j` says. Shares nothing with the daemon.

For backends that are reached by l3. A neighbour that is being asked for may have failed before, which `ip` cannot
tell: where nothing but that decides, both answers are right.
"""
import json
import subprocess

USABLE = {"REACHABLE", "STALE", "DELAY", "PROBE", "NOARP", "PERMANENT"}
# `ip route get` ends with the error that a packet would meet.
REFUSED = ("Network is unreachable", "No route to host", "Permission denied", "Invalid argument")


def ip(netns, *words, check=True):
    result = subprocess.run(["ip", "-n", netns, *words], text=True, capture_output=True, timeout=30, check=False)
    if check and result.returncode:
        raise AssertionError(f"ip {' '.join(words)}: {result.stderr}")
    return result


def documents(netns, *words):
    text = ip(netns, "-j", *words).stdout.strip()
    return [document for document in (json.loads(text) if text else []) if document]


def canonical(address):
    return address.lower()


class Kernel:
    """The kernel's links, neighbours and answers at one moment."""

    def __init__(self, netns, guest=None):
        """`guest`: (address, device) of somebody whose packets come in."""
        self.netns, self.guest = netns, guest
        self.links = {link["ifname"]: link for link in documents(netns, "link", "show")}
        self.neighbours = {(neigh["dev"], canonical(neigh["dst"])): neigh
                           for neigh in documents(netns, "neigh", "show")}

    def answer(self, address):
        """The route, or None where there is none or it refuses."""
        family = "-6" if ":" in address else "-4"
        result = ip(self.netns, "-j", family, "route", "get", "fibmatch", address, check=False)
        if result.returncode:
            assert any(text in result.stderr for text in REFUSED), result.stderr
            return None
        route = json.loads(result.stdout)[0]
        if family == "-4" and route["dst"] == "default" and self.guest:
            # Of several alike the kernel picks one for what it sends itself; what it forwards goes by the first.
            source, dev = self.guest
            route = documents(self.netns, family, "route", "get", "fibmatch", address, "from", source, "iif", dev)[0]
        return None if route.get("type", "unicast") != "unicast" else route

    def of_object(self, number):
        """The legs of a nexthop object."""
        found = documents(self.netns, "nexthop", "show", "id", str(number))[0]
        if "blackhole" in found:
            return []
        if "group" not in found:
            return [found]
        return [dict(leg, weight=member.get("weight", 1))
                for member in found["group"] for leg in self.of_object(member["id"])]

    def legs(self, address):
        """{(next hop, device): weight} of the legs that could carry frames."""
        route = self.answer(address)
        if route is None:
            return {}
        if "nhid" in route:
            legs = self.of_object(route["nhid"])
        else:
            legs = route.get("nexthops", [route])
        found = {}
        for leg in legs:
            link = self.links[leg["dev"]]
            up = "UP" in link["flags"] and "LOWER_UP" in link["flags"]
            if not up or {"dead", "linkdown"} & set(leg.get("flags", [])):
                continue
            via = leg.get("gateway") or leg.get("via", {}).get("host") or address
            key = (canonical(via), leg["dev"])
            found[key] = found.get(key, 0) + leg.get("weight", 1)
        return found

    def mac(self, nexthop, dev):
        neigh = self.neighbours.get((dev, nexthop), {})
        return neigh.get("lladdr") if USABLE & set(neigh.get("state", [])) else None

    def failed(self, nexthop, dev):
        """True, False, or None where `ip` cannot tell."""
        states = set(self.neighbours.get((dev, nexthop), {}).get("state", []))
        return True if "FAILED" in states else None if "INCOMPLETE" in states else False

    def states(self, address):
        """The states that may be shown."""
        legs = self.legs(address)
        if not legs:
            return {"unreachable"}
        if any(self.mac(*leg) for leg in legs):
            return {"active"}
        failed = {self.failed(*leg) for leg in legs}
        if False in failed:
            return {"resolving"}
        return {"unreachable", "resolving"} if None in failed else {"unreachable"}

    def faults(self, backend):
        """What is wrong with an entry of `shunt show backends -j`, in words."""
        address = backend["address"]
        legs = self.legs(address)
        shown = {(canonical(path["nexthop"]), path["dev"]): path for path in backend["paths"]}
        faults = []
        if backend["state"] not in self.states(address):
            faults.append(f"{address} is {backend['state']}, and is to be {self.states(address)}")
        if set(shown) != set(legs):
            faults.append(f"{address} goes by {sorted(shown)}, and is to go by {sorted(legs)}")
        for leg in set(shown) & set(legs):
            want = {"weight": legs[leg], "dst_mac": self.mac(*leg), "src_mac": self.links[leg[1]]["address"],
                    "ifindex": self.links[leg[1]]["ifindex"]}
            if len(legs) == 1:
                del want["weight"]  # it decides nothing
            have = {key: shown[leg][key] for key in want}
            if have != want:
                faults.append(f"{address} by {leg}: {have}, and is to be {want}")
        return faults


def faults(netns, backends, guest=None):
    kernel = Kernel(netns, guest)
    return [fault for backend in backends for fault in kernel.faults(backend)]
