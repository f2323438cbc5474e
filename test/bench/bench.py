# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""bench.py FILE [--baseline FILE] [--part load|converge|packet|routes]: what a director of 10,000 services costs and how fast it
follows, and what a packet costs. 1 where a requirement is missed.

A figure with a limit is a requirement and shows as ok or missed; the others are for information. Times of the load
include asking `shunt` whether it is done, some 4 ms. All figures go to FILE as JSON; where --baseline names such a file
of an earlier run, each figure shows its change.
"""
import argparse
import json
import os
import pathlib
import platform
import signal
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lab"))

import convergence  # noqa: E402
import packet_path  # noqa: E402
import routes  # noqa: E402
import scale  # noqa: E402
from lab import BUILD, wait_for  # noqa: E402

SIZE = 10000
LOADS = 3
MIB = 2**20
DECIMALS = {"writes": 0, "flows": 0, "ratio": 2, "Mpps": 2, "%": 2, "ms": 2}


class Table:
    """Figures as they come: printed at once beside those of an earlier run, kept for the JSON."""

    def __init__(self, baseline):
        self.rows = []
        self.before = {(row["case"], row["what"]): row["value"] for row in baseline}

    def title(self, text):
        print(f"\n  {text}")

    def add(self, case, what, value, unit, limit=None, least=False):
        """`limit` is the most that is allowed, or the least."""
        verdict = "" if limit is None else "ok" if (value >= limit if least else value <= limit) else "missed"
        self.rows.append({"case": case, "what": what, "value": round(value, 3), "unit": unit, "limit": limit,
                          "verdict": verdict or None})
        number = f"{value:,.{3 if unit == 'ms' and value < 1 else DECIMALS.get(unit, 1)}f}"
        bound = "" if limit is None else f"at {'least' if least else 'most'} {limit:,.4g} {unit}"
        print(f"    {what:<46} {number:>12} {unit:<7} {bound:<18} {verdict:<6} {self.change(case, what, value)}".rstrip(),
              flush=True)

    def change(self, case, what, value):
        before = self.before.get((case, what))
        return "" if not before else f"{100 * (value - before) / before:+.1f} %"

    def missed(self):
        return [row for row in self.rows if row["verdict"] == "missed"]


def ms(begin):
    return (time.monotonic() - begin) * 1000


def check_ms(daemon):
    begin = time.monotonic()
    subprocess.run([BUILD / "shuntd", "-t", "-c", daemon.file], check=True, stdout=subprocess.DEVNULL)
    return ms(begin)


def load_ms(daemon):
    """A first start: nothing is pinned, no neighbour is known. Ends with the daemon running."""
    begin = daemon.start()
    daemon.wait_active()
    return ms(begin)


def load_times(text):
    times = []
    for _ in range(LOADS):
        with scale.running(text) as (_, daemon):
            times.append(load_ms(daemon))
    return times


def changed_mac(network, daemon):
    """(ms, writes) of a router's new MAC."""
    with daemon.counting() as writes:
        begin = time.monotonic()
        mac = network.new_mac(1)
        wait_for("the new MAC", lambda: daemon.nexthops()[network.router(1)]["dst_mac"] == mac)
        taken = ms(begin)
    return taken, writes[0]


def moved_route(network, daemon, backends):
    """(ms, writes) of a quarter of the backends going behind another router."""
    with daemon.counting() as writes:
        begin = time.monotonic()
        network.route(0, 2)
        wait_for("the backends are behind the other router",
                 lambda: daemon.nexthops()[network.router(2)]["backends"] == backends // 2)
        taken = ms(begin)
    return taken, writes[0]


def reloaded(daemon):
    with daemon.counting() as writes:
        begin = time.monotonic()
        assert daemon.shunt("reload").returncode == 0
        taken = ms(begin)
    return taken, writes[0]


def measure(table, case, each, limited):
    """All figures of SIZE services with `each` backends; with limits where they are a requirement."""
    def add(what, value, unit, limit=None):
        table.add(case, what, value, unit, limit if limited else None)

    text = scale.file_text(SIZE, SIZE, each)
    records = SIZE * each
    times = load_times(text)
    with scale.running(text) as (network, daemon):
        add("the file alone (shuntd -t)", check_ms(daemon), "ms")
        times.append(load_ms(daemon))
        add(f"from exec to all active, worst of {len(times)}", max(times), "ms", 2000)
        add("the same, median", statistics.median(times), "ms")
        add("resident after that (VmRSS)", daemon.memory("VmRSS") / MIB, "MiB", 64)
        taken, writes = changed_mac(network, daemon)
        add("a router's new MAC", writes, "writes", 1)
        add("the same", taken, "ms")
        taken, writes = moved_route(network, daemon, records)
        add(f"a route moves {records // 4:,} backends", writes, "writes")
        add("the same", taken, "ms")
        taken, writes = reloaded(daemon)
        add("reload of the same file", writes, "writes", 0)
        add("the same", taken, "ms")
        add("most resident, reload included (VmHWM)", daemon.memory("VmHWM") / MIB, "MiB", 64)
        begin = time.monotonic()
        assert daemon.verified()
        add("shunt verify", ms(begin), "ms")
        daemon.kill()
        begin = daemon.start()
        status = daemon.wait_active()
        add("restart with all pinned", status["map_writes"], "writes", 0)
        add("the same", ms(begin), "ms")


def load(table):
    table.title(f"{SIZE:,} services with a backend each, behind {scale.ROUTERS} routers")
    measure(table, "1", 1, limited=True)
    table.title(f"{SIZE:,} services that share {SIZE:,} backends, 4 each")
    measure(table, "4", 4, limited=False)


PARTS = {"load": load, "converge": convergence.measure, "packet": packet_path.measure, "routes": routes.measure}
USUAL = ("load", "converge", "packet")  # without --part


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("--baseline", type=pathlib.Path)
    parser.add_argument("--part", choices=PARTS)
    return parser.parse_args()


def end_tidily():
    """A signal ends the bench as an exception does: networks, pins and files go with their blocks, undisturbed by the next."""
    def end(number, _):
        for each in signals:
            signal.signal(each, signal.SIG_IGN)
        sys.exit(128 + number)

    signals = [each for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) if signal.getsignal(each) != signal.SIG_IGN]
    for each in signals:
        signal.signal(each, end)


def main():
    args = arguments()
    end_tidily()
    table = Table(json.loads(args.baseline.read_text())["figures"] if args.baseline else [])
    machine = f"{os.cpu_count()} CPUs, Linux {platform.release()}"
    print(f"\n  {machine}")
    for part in [args.part] if args.part else USUAL:
        PARTS[part](table)
    args.file.write_text(json.dumps({"machine": machine, "figures": table.rows}, indent=1) + "\n")
    missed = table.missed()
    print(f"\n  {len(missed)} requirements missed" if missed else "\n  every requirement is met")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
