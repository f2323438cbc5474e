# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Random rules, as commands for `ip rule`, of both families.

There are two kinds of times, which change_over() ends by removing all rules. In plain ones a rule only leads every
packet to another table: then the daemon may take the answer for one backend for another's. In the others they go by
destination and ingress interface too, lead on to later rules, suppress what is too short or reject.

Not made, as no answer of the kernel tells what its packets meet: IPv6 rules with suppress_prefixlength. They go by
the length of the route for which the next hop was used last, and that may be another one's with the same object.
"""
MOST, MOST_PLAIN = 6, 2
# Rules of this priority and above stand behind that for the main table: what they reject has no route there.
BEHIND = 33000


class Rules:
    """The words of commands come out; what the kernel does with them is not looked at."""

    def __init__(self, random, prefixes):
        self.random = random
        self.prefixes = prefixes  # {family: prefixes}
        self.made = []  # (family, priority)
        self.plain = False

    def table(self):
        return f"lookup {self.random.choice((100, 100, 101))}"

    def selector(self, family):
        where = f"to {self.random.choice(self.prefixes[family])}"
        dev = self.random.choice(("c0", "c0", "c0", "lo", "e1", "e5"))
        return self.random.choice((where, where, where, "", f"iif {dev}", f"iif {dev} {where}", f"not {where}",
                                   f"not iif {dev}"))

    def action(self, family, selector):
        """Only what names a few destinations is rejected: else nothing else would be left to look at."""
        kinds = [self.table()] * 4
        if " to " in f" {selector}" and "not" not in selector:
            kinds += ["blackhole", "unreachable", "prohibit"]
        if family == 4:
            kinds.append(f"lookup {self.random.choice(('main', '100'))} suppress_prefixlength "
                         f"{self.random.choice((0, 15, 21, 24))}")
        return self.random.choice(kinds)

    def words(self, family, priority):
        if self.plain:
            return self.table()
        kind = self.random.random()
        if kind < 0.1:
            later = sorted(other for of, other in self.made if of == family and priority < other < BEHIND)
            return f"{self.selector(family)} goto {self.random.choice(later + [32766])}"
        selector = self.selector(family)
        return f"{selector} {self.action(family, selector)}"

    def add(self, family):
        """Or None, where there are enough."""
        if sum(of == family for of, _ in self.made) >= (MOST_PLAIN if self.plain else MOST):
            return None
        if not self.plain and self.random.random() < 0.05:
            priority = BEHIND + self.random.randrange(100)
            words = self.random.choice(("blackhole", "unreachable", "prohibit", self.table()))
        else:
            priority = self.random.randrange(100, 1000)
            words = self.words(family, priority)
        self.made.append((family, priority))
        return f"rule add priority {priority} {words}"

    def delete(self):
        """(family, words) of one, or None."""
        if not self.made:
            return None
        family, priority = self.made.pop(self.random.randrange(len(self.made)))
        return family, f"rule del priority {priority}"

    def change_over(self):
        """[(family, words)] that remove all."""
        found = [(family, f"rule del priority {priority}") for family, priority in self.made]
        self.made = []
        self.plain = not self.plain
        return found
