"""The distribution: everything it needs is inside, and it runs from anywhere."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_data_files_are_inside(installed):
    inside = {path.relative_to(installed).as_posix() for path in installed.rglob("*") if path.is_file()}
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    rooms = ("contract/", "agent/", "gateway/", "verifier/", "simulators/", "configs/")
    due = {name for name in tracked if name.startswith(rooms)}
    assert len(due) > 120
    assert due - inside == set()


def test_it_runs_apart_from_the_checkout(installed, command, tmp_path):
    config = installed / "configs" / "demo" / "agent.toml"
    told = subprocess.run(
        **command("agent", "check", str(config)), cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (told.returncode, told.stderr) == (0, "")
    assert "8 meters on 4 buses" in told.stdout
