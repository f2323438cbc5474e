# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Counters are exact: of every packet, in packets and bytes, by reason, service and backend, whatever happens meanwhile.

Datagrams of one size come from several processors at once. What was sent is what reasons, services and backends sum up to,
after reloads, larger maps, kill -9, and backends that come and go.
"""
import contextlib
import json
import os
import subprocess
import sys

import pytest

from lab import wait_for
from test_explain import without_errors
from test_tunnels import OF_BACKENDS, VIP4, service, serving

SIZE = 142
PORT = 7
REASONS = ("tx", "redirect", "fib_tx", "fib_redirect", "kernel")

# Frames of one size from as many source ports as there are turns, a few at a time so that no queue overflows.
# Told to end, it says how many it has sent.
SEND = """
import os, signal, socket, sys, time
dev, cpu, size, destination = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), bytes.fromhex(sys.argv[4])
os.sched_setaffinity(0, {cpu})
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind((dev, 0))
ending, sent = [], 0
signal.signal(signal.SIGTERM, lambda *_: ending.append(1))
print("ready", flush=True)
def total(data):
    n = sum(int.from_bytes(data[i:i + 2], "big") for i in range(0, len(data), 2))
    while n >> 16:
        n = (n & 0xffff) + (n >> 16)
    return 0xffff - n
ip = bytearray.fromhex("4500") + (size - 14).to_bytes(2, "big") + bytes.fromhex("0000400040110000c612004dcb00710a")
ip[10:12] = total(ip).to_bytes(2, "big")
rest = (7).to_bytes(2, "big") + (size - 34).to_bytes(2, "big") + bytes(size - 40)
while not ending:
    for _ in range(16):
        port = 20000 + 20000 * (cpu & 1) + sent % 20000
        sent += s.send(destination + bytes.fromhex("0200000000010800") + ip + port.to_bytes(2, "big") + rest) == size
    time.sleep(0.002)
print(sent, flush=True)
"""


@pytest.fixture(scope="module", name="l3")
def l3_without_errors(l3):
    return without_errors(l3, "edge")


@contextlib.contextmanager
def sending(lab):
    """Datagrams from every processor; yields a function that ends it and returns how many there were."""
    mac = bytes(int(byte, 16) for byte in lab.link("director", "eth0")["address"].split(":")).hex()
    processes = [subprocess.Popen([*lab.enter("edge"), "/usr/bin/python3", "-c", SEND, "core", str(cpu), str(SIZE), mac],
                                  stdout=subprocess.PIPE, text=True) for cpu in sorted(os.sched_getaffinity(0))[:2]]

    def end():
        sent = 0
        for process in processes:
            process.terminate()
            sent += int(process.stdout.read())
            process.wait()
        processes.clear()
        return sent

    try:
        for process in processes:
            assert process.stdout.readline() == "ready\n"
        yield end
    finally:
        for process in processes:
            process.kill()
            process.wait()


def reasons(lab):
    rows = {row["name"]: row for row in lab.json("director", "status")["reasons"]}
    return tuple(sum(rows[name][key] for name in REASONS) for key in ("packets", "bytes"))


def of_services(lab, name="web-l34"):
    rows = [row for row in lab.json("director", "show", "services") if (row["name"], row["port"]) == (name, PORT)]
    return rows[0]["packets"], rows[0]["bytes"]


def of_backends(lab):
    """By address: all of the service, gone ones too as long as they are shown."""
    return {row["address"]: (row["packets"], row["bytes"]) for row in lab.json("director", "show", "backends")}


def summed(rows):
    return tuple(sum(row[i] for row in rows.values()) for i in (0, 1))


def more(lab, count=300):
    before = reasons(lab)[0]
    wait_for("packets go on", lambda: reasons(lab)[0] >= before + count)


def many(count):
    """So many services with backends of their own that maps must grow."""
    return "".join(f"  - name: more{i}\n    vip: 203.0.113.{100 + i}\n    ports: [80/tcp, 81/tcp, 82/tcp, 83/tcp]\n"
                   f"    forward: l3\n    backends: [198.51.100.{2 * i + 20}, 198.51.100.{2 * i + 21}]\n"
                   for i in range(count))


def moved(before, after):
    return tuple(now - was for now, was in zip(after, before))


def assert_exact(lab, sent, before):
    wait_for("all counted", lambda: moved(before[0], reasons(lab))[0] >= sent)
    assert [moved(*both) for both in zip(before, counts(lab))] == [(sent, sent * SIZE)] * 3


def counts(lab):
    return reasons(lab), of_services(lab), summed(of_backends(lab))


def test_from_every_processor(l3):
    with serving(l3, service("web", VIP4, "l3", 4)):
        before = counts(l3)
        with sending(l3) as end:
            more(l3, 3000)
            sent = end()
        assert_exact(l3, sent, before)
        assert all(packets for packets, _ in of_backends(l3).values())


def test_reloads_larger_maps_and_kill(l3):
    """Nothing is lost and nothing counted twice while the daemon and its maps are replaced."""
    with serving(l3, service("web", VIP4, "l3", 4)):
        plain, before = l3.read_config(), counts(l3)
        generation = l3.json("director", "status")["generation"]
        with sending(l3) as end:
            for text in (plain + many(40), plain, plain + many(60)):
                with l3.configured(lambda _, text=text: text, "director"):
                    more(l3)
            assert l3.json("director", "status")["generation"] > generation  # maps were replaced
            l3.kill("director")
            l3.start("director")
            wait_for("active again", lambda: all(row["state"] == "active" for row in rows_of(l3)))
            more(l3)
            sent = end()
        assert_exact(l3, sent, before)


def rows_of(lab):
    return [row for row in lab.json("director", "show", "backends") if row["weight"]]


def of_records(lab):
    """What every record of the services' maps has counted, in packets: the two maps, their halves and CPUs added up."""
    records = {}
    for name in ("service_counts", "straight_counts"):
        entries = json.loads(lab.run("director", f"bpftool -j map dump pinned {lab.pin_dir}/director/maps/{name}"))
        for i, entry in enumerate(entries):
            for each in entry["values"]:
                value = bytes(int(byte, 16) for byte in each["value"])
                packets = sum(int.from_bytes(value[at:at + 8], sys.byteorder) for at in range(0, len(value), 16))
                records[i % (len(entries) // 2)] = (records.get(i % (len(entries) // 2), 0) + packets) % 2 ** 64
    return records


def test_services_that_go_take_nothing_from_reasons(l3):
    """Who gets their record next begins at zero."""
    with serving(l3, service("web", VIP4, "l3", 4)):
        plain, before = l3.read_config(), reasons(l3)
        with sending(l3) as end:
            more(l3)
            sent = end()
        wait_for("all counted", lambda: moved(before, reasons(l3))[0] >= sent)
        wait_for("others are free again", lambda: sum(of_records(l3).values()) == of_services(l3)[0])
        with l3.configured(lambda _: plain.replace(VIP4, "203.0.113.99"), "director"):
            wait_for("the record is free again", lambda: not any(of_records(l3).values()))
            assert moved(before, reasons(l3)) == (sent, sent * SIZE)
        assert of_services(l3) == (0, 0)


def test_who_comes_begins_at_zero(l3):
    """Backends that the file no longer names take their counts with them; who comes has none."""
    first, second = OF_BACKENDS[4]
    idle = "    idle: 1s\n"
    with serving(l3, service("web", VIP4, "l3", 4, idle)):
        with sending(l3) as end:
            more(l3)
            end()
        counted = of_backends(l3)
        assert counted[first][0] and counted[second][0]
        without = l3.read_config().replace(f'"{first}", ', "")
        with l3.configured(lambda _: without, "director"):
            wait_for("it is gone", lambda: set(of_backends(l3)) == {second})
            assert of_backends(l3)[second] == counted[second]
        assert of_backends(l3) == {first: (0, 0), second: counted[second]}
