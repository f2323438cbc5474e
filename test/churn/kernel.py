# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the kernel would do with a packet to each backend: the judge. Nothing of ctl/ or netlink/ is in here.

It asks `ip`: the links, the neighbours, and for each backend `ip route get ADDRESS from CLIENT iif c0 fibmatch`, which
answers with the route and all its legs that a packet meets when it is forwarded. (What the director sends itself may go
another way.) From that follows what a packet meets:

  - No route, or one that rejects: the backend cannot be reached.
  - A leg carries packets where the kernel would send them and they would arrive: its link exists, is up and has
    carrier, and the kernel has not marked it dead or linkdown. Without ignore_routes_with_linkdown the kernel
    still sends to a link without carrier, where the packets are lost: no leg for us.
  - The MAC of a leg is the neighbour's where that is REACHABLE, STALE, DELAY, PROBE, NOARP or PERMANENT: these
    the kernel sends to without asking. Legs without a MAC get no packets while another leg has one. (The kernel
    itself would hold a few packets and ask; a director that knows a better way takes that.)
  - No leg with a MAC: packets go the kernel's way while somebody may still answer (state resolving); where every
    neighbour is FAILED, the backend is unreachable. The kernel goes from FAILED back to INCOMPLETE while it asks
    again, so that state alone decides only where it is the same for all.

IPv6 needs more: where routes share a nexthop object, `fibmatch` may answer with another of them. So the routes and
rules are read whole and the longest match is searched here, for what comes in by the director's interface; what `ip route get` answers (without fibmatch, that is
what a packet takes) must be one of the legs found so, and where no nexthop object is in play, fibmatch must agree. It
may say that there is no route where another one by the same object went, though packets go on as before: it asks the
copy of a CPU, and that has lost the route that it was made for.
"""
import ipaddress
import json
import re

import network

KNOWN = {"REACHABLE", "STALE", "DELAY", "PROBE", "NOARP", "PERMANENT"}
ERRORS = {"Network is unreachable": "none", "No route to host": "unreachable", "Permission denied": "prohibit",
          "Invalid argument": "blackhole"}
# Whose packets they are: the director's interface, and a client beside it.
INGRESS, SOURCE = "c0", "192.0.2.9"
TABLES = {"local": 255, "main": 254, "default": 253}


class Doubt(Exception):
    """The two ways of asking the kernel disagree."""


class Route:
    """The route that a packet takes: its type, and {(dev, next hop): (weight, alive)}."""

    def __init__(self, kind, legs=None, answer=None):
        self.kind = kind
        self.legs = legs or {}
        self.answer = answer or {}

    def __repr__(self):
        words = [f"{name} {self.answer[name]}" for name in ("dst", "table", "metric", "nhid") if name in self.answer]
        return f"{self.kind} {' '.join(words)} {self.legs}"


def legs_of(answer, address):
    legs = {}
    for leg in answer.get("nexthops") or [answer]:
        via = leg.get("gateway") or leg.get("via", {}).get("host")
        alive = not {"dead", "linkdown"} & set(leg.get("flags", []))
        key = (leg.get("dev"), via or address, bool(via))
        weight = legs.get(key, (0, alive))[0] + leg.get("weight", 1)
        legs[key] = (weight, alive)
    return legs


def route_of(answer, address):
    kind = answer.get("type", "unicast")
    return Route(kind, legs_of(answer, address) if kind == "unicast" else None, answer)


def documents(text):
    decoder = json.JSONDecoder()
    at = 0
    while at < len(text):
        while at < len(text) and text[at].isspace():
            at += 1
        if at == len(text):
            return
        document, at = decoder.raw_decode(text, at)
        yield document


def whole(answer, objects):
    """With nexthop_compat_mode=0 the kernel names a nexthop object alone: its legs are filled in."""
    number = answer.get("nhid")
    if number is None or "nexthops" in answer or "dev" in answer:
        return answer
    found = objects[number]
    if "group" in found:
        return {**answer, "nexthops": [{**objects[member["id"]], "weight": member.get("weight", 1)}
                                       for member in found["group"]]}
    legs = {name: found[name] for name in ("dev", "gateway", "via", "flags") if name in found}
    return {**answer, **legs, "type": "blackhole" if "blackhole" in found else answer.get("type", "unicast")}


class Batch:
    """Many questions to one `ip`."""

    def __init__(self, netns, *options):
        self.command = ["ip", "-n", netns, *options, "-j", "-force", "-batch", "-"]

    def ask(self, questions):
        """For each question a list, or the kernel's error as a string."""
        result = network.run(*self.command, input="\n".join(questions) + "\n")
        failed, words = {}, ""
        for line in result.stderr.splitlines():
            match = re.fullmatch(r"Command failed -:(\d+)", line)
            if match:
                failed[int(match[1]) - 1] = words
            elif line.startswith(("RTNETLINK answers: ", "Error: ")):
                words = line.split(": ", 1)[1]
        answers = documents(result.stdout)
        return [failed[number] if number in failed else next(answers) for number in range(len(questions))]


def error_route(text):
    if text not in ERRORS:
        raise Doubt(f"ip says: {text}")
    return Route(ERRORS[text])


class Fib6:
    """The IPv6 routes and rules, searched as fib6_lookup does (net/ipv6/ip6_fib.c, net/ipv6/fib6_rules.c)."""

    def __init__(self, routes, rules, ignore_linkdown):
        self.tables = {}
        self.ignore_linkdown = ignore_linkdown
        self.rules = sorted(rules, key=lambda rule: rule["priority"])
        for route in routes:
            length = 0 if route["dst"] == "default" else int((route["dst"] + "/128").split("/")[1])
            first = "::" if route["dst"] == "default" else route["dst"].split("/")[0]
            key = (int(ipaddress.IPv6Address(first)) >> (128 - length), length)
            table = self.tables.setdefault(self.number(route.get("table", "main")), {})
            table.setdefault(key, []).append(route)

    @staticmethod
    def number(table):
        return TABLES.get(table) or int(table)

    def usable(self, route):
        """Does any leg of it take packets?"""
        if route.get("type", "unicast") != "unicast":
            return True
        bad = {"dead", "linkdown"} if self.ignore_linkdown else {"dead"}
        return any(not bad & set(leg.get("flags", [])) for leg in route.get("nexthops") or [route])

    def among(self, routes):
        """Of the routes of one prefix, by metric, those of the lowest, or, where none of them takes packets, all others:
        of these the first, but a nexthop object that is a blackhole goes before (rt6_find_rr_leaf)."""
        usable = [route for route in routes if self.usable(route)]
        lowest = [route for route in usable if route["metric"] == routes[0]["metric"]]
        chosen = lowest or usable
        holes = [route for route in chosen if route.get("type") == "blackhole" and "nhid" in route]
        return (holes + chosen + [None])[0]

    def in_table(self, table, value):
        routes = self.tables.get(table, {})
        for length in range(128, -1, -1):
            found = routes.get((value >> (128 - length), length))
            taken = found and self.among(sorted(found, key=lambda route: route["metric"]))
            if taken:
                return taken
        return None

    @staticmethod
    def concerns(rule, value):
        """Does it match a packet to that address which came in by INGRESS?"""
        length = int(rule.get("dstlen", 128))
        matches = rule.get("iif", INGRESS) == INGRESS and ("dst" not in rule or value >> (128 - length) == int(
            ipaddress.IPv6Address(rule["dst"])) >> (128 - length))
        return matches != ("not" in rule)

    def after(self, at):
        """The rule behind that one, or to which it leads: the first of that priority, if there is any."""
        target = self.rules[at].get("goto")
        return next((number for number in range(at + 1, len(self.rules)) if self.rules[number]["priority"] == target), at + 1)

    def find(self, address):
        value = int(ipaddress.IPv6Address(address))
        at = 0
        while at < len(self.rules):
            rule = self.rules[at]
            matches = self.concerns(rule, value)
            at = self.after(at) if matches else at + 1
            if matches and "action" in rule:
                return {"type": rule["action"]}
            route = self.in_table(self.number(rule["table"]), value) if matches and "table" in rule else None
            if route and route.get("type") != "throw":
                return route
        return None


class Kernel:
    def __init__(self, net, ignore_linkdown):
        self.any = Batch(net.netns["director"])
        self.v6 = Batch(net.netns["director"], "-6")
        self.ignore_linkdown = ignore_linkdown

    def routes4(self, addresses, objects):
        answers = self.any.ask([f"route get {address} from {SOURCE} iif {INGRESS} fibmatch" for address in addresses])
        return {address: error_route(answer) if isinstance(answer, str) else route_of(whole(answer[0], objects), address)
                for address, answer in zip(addresses, answers)}

    @staticmethod
    def check6(address, found, route, taken, matched):
        """The searched route against the kernel's two answers. Which it is."""
        if isinstance(taken, str) and "nexthops" in found and "nhid" not in found:
            return error_route(taken)  # one that stands between those next hops (append): dumps leave it out
        if taken == "Network is unreachable" and "nhid" in found:
            return route  # the route that a copy was made for went: see above
        if isinstance(taken, str):
            if route.kind == "unicast" or ERRORS.get(taken) is None:
                raise Doubt(f"{address}: found {route}, a packet meets: {taken}")
            return route
        if route.kind == "unicast":
            leg = next(iter(legs_of(taken[0], address)))
            if leg not in route.legs:
                raise Doubt(f"{address}: found {route}, a packet takes {leg}")
        if not isinstance(matched, str) and "nhid" not in matched[0] and "nhid" not in found:
            other = route_of(matched[0], address)
            if (other.kind, other.legs) != (route.kind, route.legs):
                raise Doubt(f"{address}: found {route}, fibmatch says {other}")
        return route

    def routes6(self, addresses, objects):
        answers = self.v6.ask([f"route get {address} iif {INGRESS}" for address in addresses]
                              + [f"route get {address} iif {INGRESS} fibmatch" for address in addresses]
                              + ["route show table all", "rule show"])
        fib = Fib6([whole(route, objects) for route in answers[-2]], answers[-1], self.ignore_linkdown)
        routes = {}
        for number, address in enumerate(addresses):
            found = fib.find(address)
            route = route_of(found, address) if found else Route("none")
            routes[address] = self.check6(address, found or {}, route, answers[number], answers[len(addresses) + number])
        return routes

    def read(self):
        """The kernel's view of now: ({address: Route}, {dev: link}, {(dev, address): neighbour})."""
        links, neighbours, objects = self.any.ask(["link show", "neigh show nud all", "nexthop show"])
        objects = {each["id"]: each for each in objects}
        routes = self.routes4(network.backends(4), objects)
        routes.update(self.routes6(network.backends(6), objects))
        return (routes, {link["ifname"]: link for link in links},
                {(neighbour["dev"], neighbour["dst"]): neighbour for neighbour in neighbours})
