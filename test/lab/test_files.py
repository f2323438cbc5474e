# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""`shunt check` on files: every broken one is refused with place and remedy, every good one taken.

A file of test/files/broken/ says in its first line what is expected: "# expect LINE:COL TEXT".
"""
import subprocess

import pytest

from lab import BUILD, EXAMPLES, ROOT

BROKEN = sorted((ROOT / "test/files/broken").glob("*.yaml"))
GOOD = sorted([*(ROOT / "test/files/good").glob("*.yaml"), *EXAMPLES.rglob("*.yaml")])


def run(*command):
    return subprocess.run(command, text=True, capture_output=True, timeout=30, check=False)


def label(path):
    return path.stem if path.parent.name in ("broken", "good") else str(path.relative_to(EXAMPLES))


def test_forty_of_them():
    assert len(BROKEN) >= 40


@pytest.mark.parametrize("path", BROKEN, ids=label)
def test_broken_file_is_refused_with_its_place(path):
    expect, place, text = path.read_text(errors="replace").splitlines()[0].lstrip("# ").split(" ", 2)
    assert expect == "expect"
    for command in ((BUILD / "shunt", "check", path), (BUILD / "shuntd", "-t", "-c", path)):
        result = run(*command)
        assert result.returncode == 1, result.stdout
        assert f"{path}:{place}: {text}" in result.stderr


@pytest.mark.parametrize("path", GOOD, ids=label)
def test_good_file_is_taken(path):
    for command in ((BUILD / "shunt", "check", path), (BUILD / "shuntd", "-t", "-c", path)):
        result = run(*command)
        assert result.returncode == 0, result.stderr


def test_the_unit_withdraws_where_the_daemon_stays_dead():
    """From systemd 254 on a unit fails at each restart, but for this mode: OnFailure would end what a restart is to keep."""
    unit = (EXAMPLES / "shuntd.service").read_text().splitlines()
    assert {"OnFailure=shunt-withdraw.service", "Restart=on-failure", "RestartMode=direct"} <= set(unit)


def test_missing_file_is_named():
    result = run(BUILD / "shunt", "check", "/nonexistent/shunt.yaml")
    assert result.returncode == 1
    assert "/nonexistent/shunt.yaml" in result.stderr
