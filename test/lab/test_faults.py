# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What goes wrong beside the daemon: a busy socket, a reader that leaves, maps that somebody else wrote to."""
import os
import subprocess

import pytest

from lab import BUILD, wait_for

VIP4_KEY = "203 0 113 10 0 80 6 0"  # struct sh_endpoint4 of 203.0.113.10:80/tcp


def second_daemon(lab, *options):
    """Starts another daemon beside the director's and returns how it ended."""
    command = lab.enter("director") + [BUILD / "shuntd", "-c", lab.run_dir / "shunt.yaml", *options]
    return subprocess.run(command, text=True, capture_output=True, timeout=30, check=False)


def options(lab, socket="other.sock", pins="other"):
    return ["--socket", lab.run_dir / socket, "--pin-dir", lab.pin_dir / pins]


def test_a_busy_socket_is_refused(l3):
    result = second_daemon(l3, *options(l3, socket="director.sock"))
    assert result.returncode == 1, result
    assert "another shuntd runs there" in result.stderr
    assert l3.all_active()


def test_a_busy_pin_folder_is_refused(l3):
    result = second_daemon(l3, *options(l3, pins="director"))
    assert result.returncode == 1, result
    assert "--pin-dir" in result.stderr
    l3.assert_verified()


def test_a_socket_path_that_is_a_file_is_refused(l3):
    path = l3.run_dir / "file.sock"
    path.write_text("not a socket")
    result = second_daemon(l3, *options(l3, socket="file.sock"))
    assert result.returncode == 1, result
    assert f"{path}: Socket operation on non-socket; another file is there" in result.stderr
    assert path.read_text() == "not a socket"


@pytest.mark.parametrize("socket, remedy", [("no/folder/it.sock", "make the folder"), ("x" * 108, "has 107 bytes at most")])
def test_a_socket_that_cannot_be_made_is_told_with_the_remedy(l3, socket, remedy):
    result = second_daemon(l3, *options(l3, socket=socket))
    assert result.returncode == 1, result
    assert remedy in result.stderr


def test_a_log_that_nobody_reads_ends_nothing(l3):
    """`shuntd 2>&1 | head -1`: the reader leaves, the next line must not be the daemon's last."""
    reader, writer = os.pipe()
    command = l3.enter("client") + [BUILD / "shuntd", "-c", l3.run_dir / "shunt.yaml", *options(l3)]
    with subprocess.Popen(command, stderr=writer) as daemon:
        os.close(writer)
        os.read(reader, 1)
        os.close(reader)
        try:
            def shunt(*args):
                return subprocess.run([BUILD / "shunt", "--socket", l3.run_dir / "other.sock", *args],
                                      capture_output=True, timeout=30, check=False).returncode

            wait_for("the daemon to answer", lambda: shunt("status") == 0)
            assert shunt("reload") == 0
            assert shunt("status") == 0
            assert daemon.poll() is None
        finally:
            shunt("down")
            assert daemon.wait(30) == 0


@pytest.mark.parametrize("node,name,key", [("director", "vips4", VIP4_KEY), ("b1", "restore4", None)])
def test_verify_sees_an_entry_that_somebody_deleted_and_it_comes_back(l3, node, name, key):
    pin = l3.pin_dir / node / "maps" / name
    key = key or "198 51 100 11 0 80 6 0"
    l3.run(node, f"bpftool map delete pinned {pin} key {key}")
    wrong = l3.differences(node)
    assert wrong and name in wrong, wrong
    wait_for("the entry to come back", lambda: l3.differences(node) is None, 30)
