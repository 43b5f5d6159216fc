"""Runs of made-up models that the tests of the report share."""

from __future__ import annotations

import pytest

from .runs import hostile_run, stopped_run, strong_run, weak_run


@pytest.fixture
def strong(tmp_path):
    return strong_run(tmp_path)


@pytest.fixture
def weak(tmp_path):
    return weak_run(tmp_path)


@pytest.fixture
def unfinished(tmp_path):
    return stopped_run(tmp_path)


@pytest.fixture
def hostile(tmp_path):
    return hostile_run(tmp_path)
