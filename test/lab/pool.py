# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A client, directors and a pool of backends on one subnet, whose directors' file changes while connections stand.

    client .2, directors .3 and .4, backends .11 and so on, of 198.51.100.0/24 and 2001:db8:51::/64

Every node but the client runs shuntd; the backends' own file names all of them and never changes. Everything made here carries
this process's id in its name.
"""
import contextlib
import itertools
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

from lab import BUILD, wait_for
from scale import run, set_sysctl

VIPS = ("203.0.113.10", "2001:db8:203::10")
NETS = ("198.51.100.", "2001:db8:51::")
CONNECTIONS = pathlib.Path(__file__).with_name("connections.py")
PYTHON = "/usr/bin/python3"

_numbers = itertools.count(1)


def backend(number, net=NETS[0]):
    return f"{net}{11 + number}"


# Name, which of VIPS, ports.
SERVICES = (("web", 0, "80/tcp"), ("web6", 1, "80/tcp"))


def file_text(weights, forward, idle, services=SERVICES):
    """The file of a pool: {number: weight}. Behind a `/`, `forward` says that each VIP is in packets of the other family."""
    forward, crossed = (forward.rstrip("/"), forward.endswith("/"))
    lines = ["interfaces:", '  - {match: "eth*"}', "services:"]
    for name, which, ports in services:
        net = NETS[1 - which if crossed else which]
        lines += [f"  - name: {name}", f"    vip: {VIPS[which]}", f"    ports: [{ports}]", f"    forward: {forward}",
                  f"    idle: {idle}", "    backends:"]
        lines += [f"      - {{address: {backend(number, net)}, weight: {weight}}}" for number, weight in sorted(weights.items())]
    return "\n".join(lines) + "\n"


class Pool:
    """A context: up on entry, gone on exit. `size` backends."""

    def __init__(self, size, directors, forward, idle):
        self.name = f"p{os.getpid()}n{next(_numbers)}"
        self.size, self.forward, self.idle = size, forward, idle
        self.directors = [f"d{number}" for number in range(directors)]
        self.backends = [f"b{number}" for number in range(size)]
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="shunt-pool-"))
        self.pins = pathlib.Path("/sys/fs/bpf") / self.folder.name
        self.processes = {}

    # ---- network

    def netns(self, node):
        return f"{self.name}-{node}"

    def enter(self, node):
        return ["nsenter", f"--net=/run/netns/{self.netns(node)}", "--"]

    def run(self, node, *command):
        return run(*self.enter(node), *(command[0].split() if len(command) == 1 else command))

    def add_node(self, node, host):
        netns = self.netns(node)
        run(f"ip netns add {netns}")
        run(f"ip -n {netns} link set lo up")
        for which in ("all", "default"):
            set_sysctl(netns, f"net/ipv4/conf/{which}/rp_filter", 0)
            set_sysctl(netns, f"net/ipv6/conf/{which}/accept_dad", 0)
        set_sysctl(netns, "net/ipv4/ip_forward", 1)
        set_sysctl(netns, "net/ipv6/conf/all/forwarding", 1)
        run(f"ip -n {self.netns('wire')} link add {node} type veth peer name eth0 netns {netns}")
        for where, dev in (("wire", node), (node, "eth0")):
            self.run(where, f"ethtool -K {dev} tx off tso off gso off gro off")
        run(f"ip -n {self.netns('wire')} link set {node} master lan up")
        for net, length in zip(NETS, (24, 64)):
            run(f"ip -n {netns} addr add {net}{host}/{length} dev eth0")
        run(f"ip -n {netns} link set eth0 up")

    def add_network(self):
        run(f"ip netns add {self.netns('wire')}")
        set_sysctl(self.netns("wire"), "net/ipv6/conf/default/disable_ipv6", 1)
        run(f"ip -n {self.netns('wire')} link add name lan type bridge")
        run(f"ip -n {self.netns('wire')} link set lan up")
        self.add_node("client", 2)
        for version in (4, 6):
            set_sysctl(self.netns("client"), f"net/ipv{version}/fib_multipath_hash_policy", 1)
        for number, node in enumerate(self.directors):
            self.add_node(node, 3 + number)
        for number, node in enumerate(self.backends):
            self.add_node(node, 11 + number)

    def route(self, *directors):
        """The client's way to the VIPs: by these directors, flow by flow."""
        for vip, net in zip(VIPS, NETS):
            hops = [word for number in directors for word in ("nexthop", "via", f"{net}{3 + number}")]
            self.run("client", "ip", "route", "replace", vip, *hops)

    # ---- processes

    def spawn(self, name, node, *command, **more):
        log = (self.folder / f"{name}.log").open("ab")
        with log:
            self.processes[name] = subprocess.Popen([*self.enter(node), *command], stdin=subprocess.DEVNULL, stderr=log,
                                                    **{"stdout": log, **more})
        return self.processes[name]

    def daemon(self, node, file):
        self.spawn(node, node, BUILD / "shuntd", "-c", file, "--socket", self.folder / f"{node}.sock", "--pin-dir", self.pins / node)

    def text(self, weights, services=SERVICES):
        return file_text(weights, self.forward, self.idle, services)

    def write(self, weights, services=SERVICES):
        (self.folder / "director.yaml").write_text(self.text(weights, services))

    def shunt(self, node, *words):
        return subprocess.run([BUILD / "shunt", "--socket", self.folder / f"{node}.sock", *words], text=True, capture_output=True,
                              timeout=30, check=False)

    def json(self, node, *words):
        result = self.shunt(node, *words, "-j")
        return json.loads(result.stdout) if result.returncode == 0 else None

    def all_active(self, node):
        rows = self.json(node, "show", "backends")
        return rows and all(row["state"] == "active" for row in rows)

    def load(self, weights, services=SERVICES):
        self.write(weights, services)
        for node in self.directors:
            result = self.shunt(node, "reload")
            assert result.returncode == 0, result.stdout + result.stderr

    def restart(self, node):
        """Its daemon dies without a word, and another takes over what it has pinned."""
        self.processes[node].kill()
        self.processes.pop(node).wait()
        self.daemon(node, self.folder / "director.yaml")
        wait_for(f"{node} answers again", lambda: self.json(node, "show", "backends"), 30)

    def moving(self, node):
        return sum(service["moving"] for service in self.json(node, "show", "services"))

    def logs(self):
        return "\n".join(f"{path.name}:\n{path.read_text(errors='replace')}" for path in sorted(self.folder.glob("*.log")))

    # ---- up and down

    def __enter__(self):
        try:
            self.up()
        except BaseException:
            self.down()
            raise
        return self

    def up(self):
        self.add_network()
        everyone = dict.fromkeys(range(self.size), 1)
        self.write(everyone)
        (self.folder / "backend.yaml").write_text(self.text(everyone))
        for node in self.backends:
            self.daemon(node, self.folder / "backend.yaml")
            self.spawn(f"{node}.server", node, PYTHON, CONNECTIONS, "serve", node, "80")
        for node in self.directors:
            self.daemon(node, self.folder / "director.yaml")
        for node in self.directors:
            wait_for(f"all backends of {node} are active", lambda node=node: self.all_active(node), 30)
        for node in self.backends:
            wait_for(f"{node} listens", lambda node=node: "LISTEN" in self.run(node, "ss -Hltn sport = 80"))
            wait_for(f"{node} has the VIPs", lambda node=node: all(
                alias["state"] == "installed" for alias in self.json(node, "show", "aliases") or [{"state": ""}]))
        self.route(*range(len(self.directors)))

    def __exit__(self, *_):
        self.down()

    def end(self, name):
        process = self.processes.pop(name)
        if process.poll() is None:
            process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=20)
        if process.poll() is None:
            process.kill()
            process.wait()

    def down(self):
        for node in (*self.directors, *self.backends):
            self.shunt(node, "down")
        for name in list(self.processes):
            self.end(name)
        for node in ("client", *self.directors, *self.backends, "wire"):
            subprocess.run(["ip", "netns", "del", self.netns(node)], capture_output=True, check=False)
        shutil.rmtree(self.pins, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    # ---- connections

    @contextlib.contextmanager
    def connections(self, count, late):
        """That many connections while the block runs; what became of them is in the dictionary that is yielded, afterwards."""
        output = (self.folder / "connections").open("w+")
        self.spawn("connections", "client", PYTHON, CONNECTIONS, "hold", str(count), str(late), *VIPS, stdout=output)
        found = {}
        try:
            wait_for("the connections stand", lambda: "ready" in (self.folder / "connections").read_text(), 60)
            yield found
        finally:
            self.end("connections")
            output.close()
        found.update(json.loads((self.folder / "connections").read_text().splitlines()[-1]))
