"""Kernels compile on a read-only install of a user without a home, and are kept in the agent's data there."""

import logging
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from damage import IN_PLACES, WHOLE, harm

from agent import kernel_cache

ROOT = Path(kernel_cache.__file__).resolve().parent.parent
PLACELESS = """
from numba import njit
from agent.aggregation import kernels
try:
    njit(cache=True)(kernels.muldiv.py_func)
except RuntimeError as error:
    assert "no locator available" in str(error), error
else:
    raise SystemExit("numba found a place: this tests nothing")
"""
COMPUTE = "from agent.aggregation import kernels, kernels_bulk; assert kernels.muldiv(7, 3, 2) == 10"
KEEP = "import pathlib, sys, agent.kernel_cache as c; c.keep_kernels(pathlib.Path(sys.argv[1])); "


@pytest.fixture
def install(tmp_path):
    """A copy of the code that nobody can write to; a file in a folder's place stops root too."""
    copy = tmp_path / "install"
    for room in ("agent", "contract"):
        shutil.copytree(ROOT / room, copy / room, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "agent" / "aggregation" / "__pycache__").touch()
    for path in [*copy.rglob("*"), copy]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    yield copy
    for path in [copy, *copy.rglob("*")]:
        path.chmod(0o755)


def run(install, code, *arguments):
    env = {name: value for name, value in os.environ.items() if not name.startswith(("NUMBA", "XDG", "HOME"))}
    # without HOME the password file would name a home, which may be one that can be written to
    env |= {"HOME": "/dev/null", "PYTHONPATH": str(install), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, env=env, cwd=install, capture_output=True, text=True, check=False)


def test_without_any_place_kernels_compile_all_the_same(install):
    done = run(install, PLACELESS + COMPUTE)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_agents_data_is_a_place(install, tmp_path):
    done = run(install, KEEP + COMPUTE, tmp_path / "data")
    assert (done.returncode, done.stderr) == (0, "")
    assert list((tmp_path / "data" / "kernels").rglob("kernels.muldiv*.nbi"))


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """Kernels in the agent's data, vouched for; call it to start again."""

    def start():
        monkeypatch.delenv(kernel_cache.SETTING, raising=False)
        kernel_cache.keep_kernels(tmp_path)

    monkeypatch.setattr(kernel_cache, "BESIDE", Path("/dev/null/__pycache__"))
    start()
    folder = tmp_path / "kernels" / "aggregation_1"
    folder.mkdir(parents=True)
    (folder / "muldiv.1.nbc").write_bytes(b"machine code" * 100)
    (folder / "muldiv.nbi").write_bytes(b"which it is" * 10)
    kernel_cache.vouch(tmp_path)
    yield start, folder
    monkeypatch.delenv(kernel_cache.SETTING, raising=False)


@pytest.mark.parametrize("name", ["aggregation_1/muldiv.1.nbc", "aggregation_1/muldiv.nbi", "sums"])
@pytest.mark.parametrize(("kind", "place"), [*IN_PLACES, *(one for one in WHOLE if one[0] != "unreadable")])
def test_damaged_machine_code_is_never_run(kept, name, kind, place):
    start, folder = kept
    start()
    assert len(list(folder.iterdir())) == 2, "whole, it is kept"
    harm(folder.parent / name, kind, place)
    start()
    assert not folder.parent.exists()


def test_a_file_in_the_place_of_the_folder_goes(kept):
    start, folder = kept
    shutil.rmtree(folder.parent)
    folder.parent.write_bytes(b"junk")
    start()
    assert not folder.parent.exists()


def test_kernels_elsewhere_are_not_ours_to_vouch_for(tmp_path, monkeypatch):
    monkeypatch.setenv(kernel_cache.SETTING, "/chosen")
    (tmp_path / "kernels").mkdir()
    kernel_cache.vouch(tmp_path)
    assert not (tmp_path / "kernels" / "sums").exists()


def test_what_can_be_written_to_stays_the_place(tmp_path, monkeypatch):
    monkeypatch.delenv(kernel_cache.SETTING, raising=False)
    monkeypatch.setattr(kernel_cache, "BESIDE", tmp_path / "__pycache__")
    kernel_cache.keep_kernels(tmp_path / "data")
    assert kernel_cache.SETTING not in os.environ


def test_a_place_that_somebody_chose_stays(tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(kernel_cache, "BESIDE", Path("/dev/null/__pycache__"))
    monkeypatch.setenv(kernel_cache.SETTING, "/chosen")
    kernel_cache.keep_kernels(tmp_path)
    assert (os.environ[kernel_cache.SETTING], caplog.messages) == ("/chosen", [])
    monkeypatch.delenv(kernel_cache.SETTING)
    kernel_cache.keep_kernels(tmp_path)
    assert os.environ[kernel_cache.SETTING] == str(tmp_path / "kernels")
    assert len(caplog.messages) == 1
