"""Every counter case worked out by hand comes out to the last digit, compiled and uncompiled."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from counter_cases import computed, expected, names

NUMBER = 32


def test_all_cases_are_found():
    assert len(names()) == NUMBER


@pytest.mark.parametrize("name", names())
def test_case(name):
    told, found = expected(name), computed(name)
    assert found["anomalies"] == told["anomalies"], told["why"]
    assert found["windows"] == [[w["energy"], w["lower"], w["upper"]] for w in told["windows"]], told["why"]


def test_uncompiled_the_digits_are_the_same():
    command = [sys.executable, "counter_cases.py"]
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(Path(__file__).parents[1])}
    folder = Path(__file__).parent
    told = subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder, env=environment).stdout
    assert json.loads(told) == {name: computed(name) for name in names()}
