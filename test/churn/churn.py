# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""churn.py --seeds N|A-B --changes N --results FILE: random changes, and after each burst the kernel's own answers.

A seed makes one network, one daemon with 200 backends and a stream of random changes in bursts of 1 to 50. After
each burst what the daemon shows and what its maps hold must become what kernel.py says, within DEADLINE seconds.
Neighbours change by themselves, and no two views are of one moment: so the daemon's is compared with the kernel's
before it and after it, and a difference stays only where TRIES such comparisons have found one (on a busy machine one
takes seconds). It ends the seed, with its number, the burst, the changes of that burst and both views. Nor may the
daemon's own audit have found and mended anything. One seed is one test in FILE.
"""
import argparse
import itertools
import pathlib
import random
import re
import signal
import sys
import time

import changes
import compare
import kernel
import network
import product

DEADLINE, TRIES = 5, 10
# No daemon may say this: an error, or a sanitizer's report.
COMPLAINT = re.compile(r"^<[0-3]>.*|.*(?:AddressSanitizer|LeakSanitizer|runtime error:).*", re.MULTILINE)


class Difference(Exception):
    pass


def sysctls(seed):
    """What the kernel's behaviour depends on: other settings with every seed."""
    ignore, silent, compat = seed & 1, (seed >> 1) & 1, (seed >> 2) & 1
    return bool(ignore), {
        **{f"net.{family}.conf.{which}.ignore_routes_with_linkdown": ignore
           for family in ("ipv4", "ipv6") for which in ("all", "default")},
        "net.ipv6.route.skip_notify_on_dev_down": silent, "net.ipv4.nexthop_compat_mode": 1 - compat,
        "net.ipv4.fib_multipath_use_neigh": 0}


class Seed:
    def __init__(self, number):
        self.number = number
        self.random = random.Random(number)
        ignore_linkdown, settings = sysctls(number)
        self.network = network.Network(settings)
        self.daemon = product.Daemon(self.network)
        self.kernel = kernel.Kernel(self.network, ignore_linkdown)
        self.changes = changes.Changes(self.random)
        self.services = product.services()
        self.made = self.refused = self.bursts = 0
        self.slowest = 0.0

    def apply(self, burst):
        """In order, by as few calls of `ip` as that takes. Returns what the kernel refused."""
        refused = []
        for side, group in itertools.groupby(burst, key=lambda change: change[0]):
            commands = [command.replace("PEER", self.network.netns["peer"]) for _, command in group]
            refused += self.network.ip(side, commands)
        return refused

    def view(self):
        """The kernel's, or why there is none."""
        try:
            return self.kernel.read()
        except kernel.Doubt as doubt:
            return str(doubt)

    def compare(self, view, daemon):
        return [f"the kernel: {view}"] if isinstance(view, str) else compare.differences(view, *daemon, self.services)

    def settle(self):
        """Compares until both views are equal. The differences that are left after the deadline."""
        begin, view = time.monotonic(), self.view()
        for tries in itertools.count(1):
            daemon = self.daemon.read()
            found = self.compare(view, daemon)
            if found:
                view = self.view()
                found = self.compare(view, daemon)
            taken = time.monotonic() - begin
            if not found or (taken > DEADLINE and tries >= TRIES):
                self.slowest = max(self.slowest, taken)
                return found

    def burst(self, left):
        size = min(left, self.random.randint(1, 50))
        burst = [change for _ in range(size) for change in self.changes.next()]
        refused = self.apply(burst)
        found = self.settle()
        self.bursts += 1
        self.made += size
        self.refused += len(refused)
        if found:
            lines = "\n".join(f"  {side}: {command}" for side, command in burst)
            raise Difference(f"seed {self.number}, burst {self.bursts}, {self.made} changes so far; this burst:\n{lines}\n"
                             f" refused:\n  " + "\n  ".join(refused) + f"\n {len(found)} differences:\n  "
                             + "\n  ".join(found))

    def run(self, count):
        self.network.up()
        self.daemon.start()
        found = self.settle()
        if found:
            raise Difference(f"seed {self.number}, before any change:\n  " + "\n  ".join(found))
        while self.made - self.refused < count:
            self.burst(count - self.made + self.refused)
        audit = self.daemon.json("status")["audit"]
        if audit["found"]:
            raise Difference(f"seed {self.number}: the audit found {audit['found']}:\n{self.daemon.told()[-2000:]}")
        complaint = COMPLAINT.search(self.daemon.told())
        if complaint:
            raise Difference(f"seed {self.number}: the daemon says: {complaint[0]}")

    def remove(self):
        self.daemon.remove()
        self.network.down()


def one_seed(number, count, hold):
    begin = time.monotonic()
    seed = Seed(number)
    try:
        seed.run(count)
    except (Difference, AssertionError) as failure:
        print(f"{failure}\n  churn: seed {number}: failed", flush=True)
        if hold:
            input(f"  left as it is: {seed.network.netns['director']}, {seed.daemon.folder}. Enter removes it: ")
        return False
    finally:
        seed.remove()
    print(f"  churn: seed {number}: {seed.made - seed.refused} changes ({seed.refused} more were refused) in {seed.bursts} bursts, 0 differences, "
          f"slowest {seed.slowest:.2f} s, {time.monotonic() - begin:.0f} s", flush=True)
    return True


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("churn: ended"))  # and what was made is removed
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", default="3")
    parser.add_argument("--changes", type=int, default=5000)
    parser.add_argument("--results", type=pathlib.Path, required=True)
    parser.add_argument("--hold", action="store_true", help="wait before a failed seed is removed, to look at it")
    options = parser.parse_args()
    first, _, last = options.seeds.rpartition("-")
    options.results.parent.mkdir(parents=True, exist_ok=True)
    options.results.unlink(missing_ok=True)
    passed = [one_seed(number, options.changes, options.hold) for number in range(int(first or 1), int(last) + 1)]
    options.results.write_text(f"{sum(passed)} passed, {len(passed) - sum(passed)} failed, 0 skipped\n")
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
