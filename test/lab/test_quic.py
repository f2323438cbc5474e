# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""`quic-id`: connections stay with the backend that their IDs name, from whatever port they come and however the pool changes."""
import contextlib
import json
import pathlib
import time

from lab import COMPLAINT, EXAMPLES, wait_for
from pool import PYTHON, VIPS, Pool
from scale import run

QUIC = pathlib.Path(__file__).with_name("quic.py")
SIZE = 4
COUNT = 100


class QuicPool(Pool):
    """A pool whose services take QUIC, too: the backend of number n has the id 0x100 + n."""

    def text(self, weights, *services):
        lines = []
        for line in super().text(weights, *services).splitlines():
            if "ports:" in line:
                lines += ["    ports: [80/tcp, 443/udp]", "    quic-id: {offset: 1, bytes: 2}"]
            elif "address:" in line:
                number = int(line.split("address: ")[1].split(",")[0].replace("::", ".").rsplit(".", 1)[1]) - 11
                lines.append(line.replace("}", f", id: {0x100 + number:#x}}}"))
            else:
                lines.append(line)
        return "\n".join(lines) + "\n"

    def up(self):
        super().up()
        for node in self.backends:
            self.spawn(f"{node}.udp", node, PYTHON, EXAMPLES / "udp-echo.py", node, "443", *VIPS)
        for node in self.backends:
            wait_for(f"{node} answers", lambda node=node: self.run(node, "ss -Huln sport = 443").count(":443") == len(VIPS))

    @contextlib.contextmanager
    def quic(self):
        output = (self.folder / "quic").open("w+")
        self.spawn("quic", "client", PYTHON, QUIC, str(COUNT), *VIPS, stdout=output)
        found = {}
        try:
            wait_for("the connections stand", lambda: "ready" in (self.folder / "quic").read_text(), 30)
            yield found
        finally:
            self.end("quic")
            output.close()
        found.update(json.loads((self.folder / "quic").read_text().splitlines()[-1]))

    def forget_an_id(self):
        """Takes an entry out of the director's map, behind its back."""
        pin = str(self.pins / "d0" / "maps" / "quic_ids")
        entries = json.loads(run("bpftool", "-j", "map", "dump", "pinned", pin))
        run("bpftool", "map", "delete", "pinned", pin, "key", "hex", *(byte[2:] for byte in entries[0]["key"]))

    def named(self):
        return {row["address"]: row["id"] for row in self.json("d0", "show", "backends") if ":" not in row["address"]}


def test_a_connection_stays_with_the_backend_that_its_id_names():
    with QuicPool(SIZE, 1, "l2", "3s") as pool:
        everyone = dict.fromkeys(range(SIZE), 1)
        with pool.quic() as found:
            for weights in ({**everyone, 0: 5}, {**everyone, 0: 0}, {1: 1, 2: 1, 3: 1}, {2: 1, 3: 2}, everyone, {3: 1}):
                pool.load(weights)
                time.sleep(0.4)
            # Those who are gone keep their connections past the idle time, as these are not idle, and through a restart.
            wait_for("the slots are steady", lambda: pool.moving("d0") == 0, 30)
            assert pool.named() == {f"198.51.100.{11 + number}": f"{0x100 + number:#x}" for number in range(SIZE)}
            pool.end("d0")
            pool.daemon("d0", pool.folder / "director.yaml")
            wait_for("the director is back", lambda: pool.json("d0", "show", "backends"))
            assert len(pool.named()) == SIZE
            time.sleep(4)
            assert pool.shunt("d0", "verify").returncode == 0, pool.shunt("d0", "verify").stdout
        assert found["broken"] == [] and found["lost"] == [], found
        assert len(found["by"]) == SIZE and found["connections"] > COUNT, found
        assert found["ports"] > found["messages"] > 3 * COUNT, found
        wait_for("who is gone and idle is forgotten", lambda: pool.named() == {"198.51.100.14": "0x103"}, 30)
        assert pool.shunt("d0", "verify").returncode == 0, pool.shunt("d0", "verify").stdout
        pool.forget_an_id()
        assert "quic_ids" in pool.shunt("d0", "verify").stdout
        assert pool.shunt("d0", "reload").returncode == 0
        assert pool.shunt("d0", "verify").returncode == 0, pool.shunt("d0", "verify").stdout
        assert not COMPLAINT.search(pool.logs()), pool.logs()
