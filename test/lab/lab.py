# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A lab of examples/ under test: its nodes, its daemons, and traffic through it.

The labs' own scripts make and remove it; this only drives them and reads what they leave.
Everything carries this process's id in its name, so runs do not meet.
"""
import contextlib
import itertools
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("SHUNT_BUILD", ROOT / "build")).resolve()
EXAMPLES = ROOT / "examples"

# With sanitizers, which look at the daemons, one routing daemon is as good as another.
SANITIZED = BUILD.name == "san"

# What no daemon may say in a test that does not expect it: an error, or a sanitizer's report.
COMPLAINT = re.compile(r"^<[0-3]>|AddressSanitizer|LeakSanitizer|runtime error:", re.MULTILINE)

_numbers = itertools.count(1)


def wait_for(what, condition, deadline=15.0):
    """Calls condition() until it returns something true, and returns that. Fails after `deadline` seconds."""
    end = time.monotonic() + deadline
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {deadline} s: {what}; last seen: {value!r}")
        time.sleep(0.01)


def _listens(process):
    """Has one of its netlink sockets joined a group?"""
    sockets = pathlib.Path(f"/proc/{process.pid}/net/netlink").read_text().splitlines()[1:]
    joined = {f"socket:[{line.split()[-1]}]" for line in sockets if int(line.split()[3], 16)}
    return any(os.readlink(fd) in joined for fd in pathlib.Path(f"/proc/{process.pid}/fd").iterdir())


def _bpf_link(pin):
    """What bpftool says of a pinned bpf_link; empty where the pin is something else."""
    result = subprocess.run(["bpftool", "-j", "link", "show", "pinned", pin], text=True, capture_output=True,
                            timeout=30, check=False)
    return json.loads(result.stdout) if result.returncode == 0 else {}


@dataclass
class Request:
    """One request of a stream; times in seconds of the monotonic clock."""

    start: float
    end: float
    ok: bool
    answer: str


def parse_requests(text):
    requests = []
    for line in text.splitlines():
        start, end, word, answer = line.split(" ", 3)
        requests.append(Request(float(start), float(end), word == "ok", answer))
    return sorted(requests, key=lambda request: request.start)


class Traffic:
    """A stream of requests from the client, and what was done to the network meanwhile."""

    def __init__(self, process, output):
        self.process = process
        self.output = output
        self.requests = []
        self.changes = []  # (start, end) of each

    def more(self, count):
        """Waits until `count` more requests are over."""
        want = self.output.read_text().count("\n") + count
        wait_for(f"{want} requests are over", lambda: self.output.read_text().count("\n") >= want)

    @contextlib.contextmanager
    def change(self):
        start = time.monotonic()
        yield
        self.changes.append((start, time.monotonic()))

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=30)
        self.requests = parse_requests(self.output.read_text())

    def failed(self):
        return [request for request in self.requests if not request.ok]

    def failed_beside_changes(self):
        """The failed ones that were not in flight during any change."""
        return [
            request
            for request in self.failed()
            if not any(request.start <= end and request.end >= start for start, end in self.changes)
        ]


class Lab:
    def __init__(self, kind, config=None, environment=None):
        self.kind = kind
        self.name = f"t{os.getpid()}n{next(_numbers)}"
        self.script = EXAMPLES / kind / "lab.sh"
        self.run_dir = pathlib.Path("/run/shunt-lab") / self.name
        self.pin_dir = pathlib.Path("/sys/fs/bpf/shunt-lab") / self.name
        self.seen = {}  # how much of each log was looked at
        self.config = config
        self.environment = environment or {}

    # ---- up and down

    def call(self, *args, check=True):
        """Runs a verb of lab.sh. Its output goes to files: a daemon must not hold a pipe open."""
        env = dict(os.environ, LAB=self.name, SHUNT_BUILD=str(BUILD), **self.environment)
        result = subprocess.run([self.script, *args], env=env, text=True, timeout=120, check=False,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if check and result.returncode:
            raise AssertionError(f"lab.sh {' '.join(args)}: status {result.returncode}\n{result.stdout}")
        return result.stdout

    def up(self):
        self.call("up")

    def down(self):
        self.call("down")

    def start(self, node):
        self.call("start", node)

    def stop(self, node):
        self.call("stop", node)

    def kill(self, node):
        self.call("kill", node)

    def signal(self, node, name):
        """Sends a signal to its daemon, and waits for its end."""
        pid = int((self.run_dir / f"{node}.pid").read_text().split()[0])
        os.kill(pid, getattr(signal, f"SIG{name}"))
        self.forget(node)

    def forget(self, node):
        """Its daemon ends by itself: waits for that."""
        pid = (self.run_dir / f"{node}.pid").read_text().split()[0]
        wait_for(f"{node} has ended", lambda: not os.path.exists(f"/proc/{pid}"))

    # ---- nodes

    def netns(self, node):
        return f"{self.name}-{node}"

    def enter(self, node):
        return ["nsenter", f"--net=/run/netns/{self.netns(node)}", "--"]

    def run(self, node, *command, check=True):
        """Runs a command in a node's network and returns what it printed. One string is split at blanks."""
        words = command[0].split() if len(command) == 1 else list(command)
        result = subprocess.run(self.enter(node) + words, text=True, capture_output=True, timeout=60, check=False)
        if check and result.returncode:
            raise AssertionError(f"{node}: {' '.join(words)}: status {result.returncode}\n{result.stderr}")
        return result.stdout

    def link(self, node, dev):
        return json.loads(self.run(node, f"ip -j -s -d link show dev {dev}"))[0]

    def counters(self, node, dev):
        """(received, transmitted) packets."""
        stats = self.link(node, dev)["stats64"]
        return stats["rx"]["packets"], stats["tx"]["packets"]

    def program(self, node, dev):
        """The id of the XDP program there, or None."""
        return self.link(node, dev).get("xdp", {}).get("prog", {}).get("id")

    def attachment(self, node, dev):
        """The id of the pinned bpf_link that holds shunt's program on that interface."""
        program = self.program(node, dev)
        links = [_bpf_link(pin) for pin in (self.pin_dir / node).rglob("*") if pin.is_file()]
        found = [link["id"] for link in links if link.get("prog_id") == program]
        assert len(found) == 1, found
        return found[0]

    def new_mac(self, node, dev):
        """Gives the interface another MAC than it ever had, and returns it."""
        mac = f"02:00:00:00:77:{next(_numbers):02x}"
        self.run(node, f"ip link set dev {dev} address {mac}")
        return mac

    # ---- shunt

    def shunt(self, node, *args):
        """The command; returns subprocess.CompletedProcess."""
        return subprocess.run([BUILD / "shunt", "--socket", self.run_dir / f"{node}.sock", *args], text=True,
                              capture_output=True, timeout=30, check=False)

    def doctor(self, node, inside=True, by=()):
        """(exit status, {check: [state, ...]}, everything that was said); asked from within the node's network."""
        result = subprocess.run([*(self.enter(node) if inside else []), *by, BUILD / "shunt", "--socket",
                                 self.run_dir / f"{node}.sock", "doctor", self.run_dir / "shunt.yaml", "-j"],
                                text=True, capture_output=True, timeout=60, check=False)
        found = {}
        for row in json.loads(result.stdout):
            assert row["state"] == "ok" or row["remedy"], row
            found.setdefault(row["check"], []).append(row["state"])
        return result.returncode, found, result.stdout

    def json(self, node, *args):
        result = self.shunt(node, *args, "-j")
        assert result.returncode == 0, f"shunt {' '.join(args)}: {result.stdout}{result.stderr}"
        return json.loads(result.stdout)

    def backends(self, node="director"):
        return {backend["address"]: backend for backend in self.json(node, "show", "backends")}

    def all_active(self, node="director"):
        return all(backend["state"] == "active" for backend in self.backends(node).values())

    def differences(self, node):
        """None where `shunt verify` finds the maps as the kernel says, else what it says."""
        result = self.shunt(node, "verify")
        return None if result.returncode == 0 else (result.stdout + result.stderr).strip()

    def assert_verified(self, *nodes, deadline=1.0):
        """The promise of the contract: a second after a change is complete nothing differs."""
        for node in nodes or ("director",):
            last = []

            def same(node=node, last=last):
                last[:] = [self.differences(node)]
                return last[0] is None

            try:
                wait_for("same", same, deadline)
            except AssertionError:
                raise AssertionError(f"{node} after {deadline} s: {last[0]}") from None

    def write_config(self, text):
        (self.run_dir / "shunt.yaml").write_text(text)

    def read_config(self):
        return (self.run_dir / "shunt.yaml").read_text()

    @contextlib.contextmanager
    def configured(self, change, *nodes):
        """The file as change(text) makes it, loaded on the nodes; back to what it was at the end."""
        before = self.read_config()
        self.write_config(change(before))
        try:
            for node in nodes:
                result = self.shunt(node, "reload")
                assert result.returncode == 0, result.stdout + result.stderr
            yield
        finally:
            self.write_config(before)
            for node in nodes:
                result = self.shunt(node, "reload")
                assert result.returncode == 0, result.stdout + result.stderr

    # ---- logs

    def complaints(self):
        """What the daemons have complained about since the last call."""
        found = []
        for log in sorted(self.run_dir.glob("*.log")):
            text = log.read_text(errors="replace")
            new = text[self.seen.get(log.name, 0):]
            self.seen[log.name] = len(text)
            if COMPLAINT.search(new):
                found.append(f"{log.name}:\n{new}")
        return found

    # ---- traffic

    def curl(self, address, count):
        """That many requests, each on its own connection; returns {answer: count}, failed ones under "-"."""
        host = f"[{address}]" if ":" in address else address
        text = self.run("client", "curl", "-s", "--max-time", "5", "-w", "%{onerror}-\n",
                        f"http://{host}/?[1-{count}]", check=False)
        answers = {}
        for word in text.split():
            answers[word] = answers.get(word, 0) + 1
        return answers

    def requests(self, *urls, count, rate=200, port=0):
        """`count` requests of requests.py, in the order they began."""
        text = self.run("client", "/usr/bin/python3", str(EXAMPLES / "requests.py"), "--rate", str(rate),
                        "--count", str(count), "--port", str(port), *urls)
        return parse_requests(text)

    @contextlib.contextmanager
    def traffic(self, *urls, rate=20, timeout=5):
        """A stream of requests in the background while the block runs; counted when it ends."""
        output = self.run_dir / f"traffic{next(_numbers)}"
        with output.open("w") as file:
            process = subprocess.Popen(
                [*self.enter("client"), "/usr/bin/python3", str(EXAMPLES / "requests.py"), "--rate", str(rate),
                 "--timeout", str(timeout), *urls], stdout=file, stdin=subprocess.DEVNULL)
        traffic = Traffic(process, output)
        try:
            traffic.more(10)
            yield traffic
        finally:
            traffic.stop()

    @contextlib.contextmanager
    def monitoring(self, node, what):
        """`ip monitor` there; yields a function that returns its lines so far."""
        output = self.run_dir / f"monitor{next(_numbers)}"
        with output.open("w") as file:
            process = subprocess.Popen([*self.enter(node), "ip", "monitor", what], stdout=file,
                                       stdin=subprocess.DEVNULL)
        try:
            wait_for("ip monitor listens", lambda: _listens(process))
            yield lambda: output.read_text().splitlines()
        finally:
            process.terminate()
            process.wait(timeout=10)

    @contextlib.contextmanager
    def streaming(self, node, *args):
        """A `shunt` command that goes on, such as `events -j`; yields a function that returns its lines so far."""
        output = self.run_dir / f"stream{next(_numbers)}"
        with output.open("w") as file:
            process = subprocess.Popen([BUILD / "shunt", "--socket", self.run_dir / f"{node}.sock", *args],
                                       stdout=file, stdin=subprocess.DEVNULL)
        try:
            yield lambda: output.read_text().splitlines()
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=10)


def leftovers(lab):
    """What a lab that is down has left behind."""
    found = [str(path) for path in (lab.run_dir, lab.pin_dir) if path.exists()]
    found += [path.name for path in pathlib.Path("/run/netns").glob(f"{lab.name}-*")]
    return found


def have_root_and_tools():
    return os.geteuid() == 0 and all(map(shutil.which, ("ip", "nsenter", "nginx", "curl", "jq", "ethtool")))
