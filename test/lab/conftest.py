# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Fixtures: one lab of each kind for a whole module, and a fresh one for tests that use it up."""
import pathlib

import pytest

from lab import SANITIZED, Lab, leftovers

# Sanitizers do not see the programs, whose packets these are about.
collect_ignore = ["test_anycast.py", "test_hard.py", "test_icmp.py"] if SANITIZED else []


def pytest_addoption(parser):
    parser.addoption("--results", help="file for the line 'N passed, N failed, N skipped'")


def pytest_terminal_summary(terminalreporter, config):
    path = config.getoption("--results")
    if not path:
        return

    def count(*kinds):
        return sum(len(terminalreporter.stats.get(kind, ())) for kind in kinds)

    file = pathlib.Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{count('passed')} passed, {count('failed', 'error')} failed, {count('skipped')} skipped\n")


_up = []


def make_lab(kind, environment=None, daemons=("director", "b1", "b2")):
    """The lab, up; at the end its daemons must have been quiet, and nothing may be left of it."""
    lab = Lab(kind, environment=environment)
    try:
        lab.up()
        _up.append(lab)
        yield lab
        for node in daemons:
            lab.stop(node)  # where sanitizers tell of leaks
        assert not lab.complaints()
    finally:
        if lab in _up:
            _up.remove(lab)
        lab.down()
    assert not leftovers(lab)


@pytest.fixture(scope="module")
def l3():
    yield from make_lab("l3-dsr")


@pytest.fixture(scope="module")
def l2():
    yield from make_lab("l2-dsr")


@pytest.fixture
def fresh_l3():
    yield from make_lab("l3-dsr")


@pytest.fixture(autouse=True)
def quiet(request):
    """No daemon may complain in a test that is not marked `complains`."""
    yield
    found = [text for lab in _up for text in lab.complaints()]
    if found and not request.node.get_closest_marker("complains"):
        pytest.fail("a daemon complained:\n" + "\n".join(found), pytrace=False)


def pytest_configure(config):
    config.addinivalue_line("markers", "complains: the daemons' logs may hold errors")
