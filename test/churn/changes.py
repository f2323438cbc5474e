# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Random changes of links, addresses, neighbours, routes, rules and nexthop objects, as commands for `ip -batch`.

What comes out depends on the seed alone, never on what the kernel did. So some changes meet a state in which the
kernel refuses them; those are counted, and kept few by remembering roughly what there is.
"""
import network
import rules

TABLES = ("main", "main", "main", "100", "101")
METRICS = ("", "", "", " metric 50", " metric 500")
# Ids of nexthop objects: single ones and groups of each family.
SINGLES = {4: range(1, 21), 6: range(21, 41)}
GROUPS = {4: range(41, 49), 6: range(51, 59)}
BLACKHOLES = {4: 60, 6: 61}


def prefixes(family):
    """Overlapping, of many lengths, around the backends."""
    if family == 4:
        found = ["0.0.0.0/0"] * 4 + ["198.18.0.0/15", "198.18.0.0/16", "198.18.0.0/21", "198.18.0.0/22", "198.18.4.0/22"]
        found += [f"198.18.{subnet}.0/24" for subnet in range(network.SUBNETS)] * 3
        found += [f"198.18.{subnet}.0/29" for subnet in range(network.SUBNETS)]
    else:
        found = ["::/0"] * 4 + ["2001:db8::/32", "2001:db8:1::/48", "2001:db8:1::/62", "2001:db8:1:4::/62"]
        found += [f"2001:db8:1:{subnet:x}::/64" for subnet in range(network.SUBNETS)] * 3
        found += [f"2001:db8:1:{subnet:x}::/125" for subnet in range(network.SUBNETS)]
    length = 32 if family == 4 else 128
    return found + [f"{address}/{length}" for address in network.backends(family)[::3]]


PREFIXES = {family: prefixes(family) for family in (4, 6)}


class Changes:
    """next() gives the next change: [(side, command)], as a rule one, for a new device all it takes.

    `director6` is the director's side too, with `ip -6`."""

    def __init__(self, random):
        self.random = random
        self.present = set(range(network.LINKS))
        self.down = set()
        self.cut = set()
        self.addressed = {(family, link) for family in (4, 6) for link in range(network.LINKS)}
        self.objects = {}  # id: the links that it needs
        self.routes = []
        self.by = {}  # of IPv6 routes: what has led there
        self.rules = rules.Rules(random, {family: sorted(set(PREFIXES[family]) - {"0.0.0.0/0", "::/0"}) for family in (4, 6)})
        self.kinds = (
            (self.route, 30), (self.multipath, 14), (self.route_by_object, 12), (self.route_delete, 12),
            (self.route_reject, 6), (self.via6, 3), (self.single, 9), (self.group, 5), (self.object_delete, 3),
            (self.rule, 6), (self.rule_delete, 3), (self.rules_change_over, 0.5), (self.learn, 8), (self.permanent, 4), (self.fail, 3), (self.forget, 5),
            (self.address_add, 9), (self.address_delete, 3), (self.link_down, 2), (self.link_up, 5), (self.carrier, 4),
            (self.mac, 2), (self.peer_mac, 2), (self.mtu, 2), (self.delete, 2), (self.create, 3))

    def next(self):
        kinds, weights = zip(*self.kinds)
        while True:
            made = self.random.choices(kinds, weights)[0]()
            if made:
                return made

    # ---- what they are made of

    def family(self):
        return self.random.choice((4, 6))

    @staticmethod
    def side(family):
        """For commands whose words do not tell the family."""
        return "director" if family == 4 else "director6"

    def link(self, family=None):
        """One that is up, with the director's address of that family. Now and then another."""
        usable = self.present
        if self.random.random() < 0.98:
            usable = {link for link in self.present - self.down if not family or (family, link) in self.addressed}
        return self.random.choice(sorted(usable)) if usable else None

    def leg(self, family):
        link = self.link(family)
        if link is None:
            return ""
        if self.random.random() < 0.1:
            return f"dev e{link}"
        return f"via {self.random.choice(network.gateways(family, link))} dev e{link}"

    def place(self, family, kind="", by=None):
        """Instead of the routes with that prefix, table and metric, or beside them: before those, or behind. IPv6 routes
        by nexthop objects and others are not put beside each other: where one stands between next hops of another,
        dumps leave it out, and what the kernel does can't be foretold."""
        verb = self.random.choices(("replace", "append", "prepend"), (16, 3, 1))[0]
        where = f"{self.random.choice(PREFIXES[family])} table {self.random.choice(TABLES)}"
        where += self.random.choice(METRICS)
        self.routes.append(where)
        if family == 6 and by:
            self.by.setdefault(where, set()).add(by)
            verb = "replace" if len(self.by[where]) > 1 else verb
        return f"{verb} {kind}{where}"

    def neighbour(self):
        """(address, link) of one that may be a next hop."""
        link = self.link()
        if link is None:
            return None
        family = self.family()
        hosts = network.gateways(family, link) + [network.host(family, link, number) for number in (6, 7, 8)]
        return self.random.choice(hosts), link

    def any_mac(self):
        return f"02:00:00:01:{self.random.randrange(256):02x}:{self.random.randrange(256):02x}"

    # ---- routes

    def route(self):
        family = self.family()
        leg = self.leg(family)
        return leg and [("director", f"route {self.place(family, by='legs')} {leg}")]

    def multipath(self):
        family = self.family()
        legs = [self.leg(family) for _ in range(self.random.choice((2, 2, 3, 4)))]
        weighted = " ".join(f"nexthop {leg} weight {self.random.choice((1, 1, 1, 2, 5, 40))}" for leg in legs if leg)
        return weighted and [("director", f"route {self.place(family, by='legs')} {weighted}")]

    def via6(self):
        leg = self.leg(6)
        if "via" not in leg:
            return None
        return [("director", f"route {self.place(4)} {leg.replace('via', 'via inet6')}")]

    def route_reject(self):
        family = self.family()
        kind = self.random.choice(("blackhole", "unreachable", "prohibit", "throw", "throw", "throw"))
        return [("director", f"route {self.place(family, kind + ' ')}")]

    def route_delete(self):
        if len(self.routes) < 20:
            return None
        where = self.routes.pop(self.random.randrange(len(self.routes)))
        return [("director", f"route del {where}")]

    # ---- nexthop objects

    def known(self, *ranges):
        found = sorted(set(self.objects) & {number for numbers in ranges for number in numbers})
        return self.random.choice(found) if found else None

    def route_by_object(self):
        family = self.family()
        number = self.known(SINGLES[family], GROUPS[family], [BLACKHOLES[family]])
        if number is None:
            return self.single()
        return [("director", f"route {self.place(family, by='objects')} nhid {number}")]

    def single(self):
        family = self.family()
        if self.random.random() < 0.03:
            self.objects[BLACKHOLES[family]] = set()
            return [(self.side(family), f"nexthop replace id {BLACKHOLES[family]} blackhole")]
        leg = self.leg(family)
        number = self.random.choice(SINGLES[family])
        if not leg:
            return None
        self.objects[number] = {int(leg[-1])}
        return [(self.side(family), f"nexthop replace id {number} {leg}")]

    def group(self):
        family = self.family()
        singles = sorted(set(self.objects) & set(SINGLES[family]))
        if len(singles) < 2:
            return self.single()
        chosen = self.random.sample(singles, min(len(singles), self.random.choice((1, 2, 3, 4))))
        number = self.random.choice(GROUPS[family])
        self.objects[number] = set().union(*(self.objects[single] for single in chosen))
        members = "/".join(f"{single},{self.random.choice((1, 1, 2, 7))}" for single in chosen)
        return [("director", f"nexthop replace id {number} group {members}")]

    def object_delete(self):
        number = self.known(range(1, 62))
        if number is None:
            return None
        del self.objects[number]
        return [("director", f"nexthop del id {number}")]

    # ---- rules

    def rule(self):
        family = self.family()
        words = self.rules.add(family)
        return words and [(self.side(family), words)]

    def rule_delete(self):
        deleted = self.rules.delete()
        return deleted and [(self.side(deleted[0]), deleted[1])]

    def rules_change_over(self):
        return [(self.side(family), words) for family, words in self.rules.change_over()]

    # ---- neighbours

    def neigh(self, words):
        chosen = self.neighbour()
        if not chosen:
            return None
        address, link = chosen
        return [("director", f"neigh {words.replace('ADDRESS', address)} dev e{link}")]

    def learn(self):
        return self.neigh(f"replace ADDRESS lladdr {self.any_mac()} nud {self.random.choice(('reachable', 'stale'))}")

    def permanent(self):
        return self.neigh(f"replace ADDRESS lladdr {self.any_mac()} nud permanent")

    def fail(self):
        return self.neigh("replace ADDRESS nud failed")

    def forget(self):
        return self.neigh("del ADDRESS")

    # ---- addresses

    def address_add(self):
        missing = sorted((family, link) for family in (4, 6) for link in self.present - self.down
                         if (family, link) not in self.addressed)
        if not missing:
            return None
        family, link = self.random.choice(missing)
        self.addressed.add((family, link))
        return [("director", network.director_up(link)[1 if family == 4 else 2])]

    def address_delete(self):
        family = self.family()
        link = self.link(family)
        if link is None:
            return None
        self.addressed.discard((family, link))
        length = network.subnet_length(family) if family == 6 else 28
        return [("director", f"addr del {network.host(family, link, 1)}/{length} dev e{link}")]

    # ---- links

    def unusable(self, link):
        """Nexthop objects go with their link, and IPv6 addresses."""
        self.objects = {number: links for number, links in self.objects.items() if link not in links}
        self.addressed.discard((6, link))

    def link_down(self):
        link = self.link()
        if link is None or len(self.down) >= 3:
            return None
        self.down.add(link)
        self.unusable(link)
        return [("director", f"link set e{link} down")]

    def link_up(self):
        if not self.present & self.down:
            return None
        link = self.random.choice(sorted(self.present & self.down))
        self.down.discard(link)
        return [("director", f"link set e{link} up")]

    def carrier(self):
        if self.present & self.cut and self.random.random() < 0.6:
            link = self.random.choice(sorted(self.present & self.cut))
            self.cut.discard(link)
            return [("peer", f"link set e{link} up")]
        if not self.present - self.cut:
            return None
        link = self.random.choice(sorted(self.present - self.cut))
        self.cut.add(link)
        return [("peer", f"link set e{link} down")]

    def mac(self):
        link = self.link()
        return None if link is None else [("director", f"link set e{link} address {self.any_mac()}")]

    def peer_mac(self):
        link = self.link()
        return None if link is None else [("peer", f"link set e{link} address {self.any_mac()}")]

    def mtu(self):
        link = self.link()
        return None if link is None else [("director", f"link set e{link} mtu {self.random.choice((1280, 1400, 1500, 1600))}")]

    def delete(self):
        if len(self.present) <= network.LINKS - 3:
            return None
        link = self.random.choice(sorted(self.present))
        self.present.discard(link)
        self.down.discard(link)
        self.cut.discard(link)
        self.unusable(link)
        return [("director", f"link del e{link}")]

    def create(self):
        absent = sorted(set(range(network.LINKS)) - self.present)
        if not absent:
            return None
        link = self.random.choice(absent)
        self.present.add(link)
        self.addressed |= {(4, link), (6, link)}
        made = [("director", f"link add e{link} type veth peer name e{link} netns PEER")]
        made += [("peer", command) for command in network.peer_up(link)]
        return made + [("director", command) for command in network.director_up(link)]
