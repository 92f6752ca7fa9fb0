"""The whole sentence on real sockets: the demonstration judges itself, and this test reads its report."""

import json
import subprocess


def test_an_unattended_demonstration_holds(command, tmp_path):
    asked = ("--seconds", "60", "--batch-s", "12", "--seed", "3", "--free-ports")
    files = ("--report", str(tmp_path / "report.json"), "--data", str(tmp_path / "demo"))
    told = subprocess.run(
        **command("demo", *asked, *files), cwd=tmp_path, capture_output=True, text=True, timeout=240, check=False
    )
    assert told.returncode == 0, told.stdout + told.stderr
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["problems"] == []
    assert len(report["batches"]) >= 4
    # where the last batch ends within seconds of the demonstration, not every meter was read once more
    judged = [batch for batch in report["batches"] if batch["judged"]]
    assert len(judged) >= len(report["batches"]) - 1
    figures = [meter for batch in judged for meter in batch["meters"].values()]
    assert len(figures) == 5 * len(judged)
    assert all(f["lower"] <= f["energy_wh_milli"] <= f["upper"] for f in figures)
    assert all(f["u95_wh_milli"] > 0 for f in figures)
    assert {f["signed"] for f in figures} == {True, False}
    assert report["ledger"]["readings"] > 1000
    assert [v["exit"] for v in report["verifier"]] == [0, 0]
    assert len(report["kgco2e_per_unit"]) == 2
    for log in ("simulate", "gateway", "agent"):
        assert "Traceback" not in (tmp_path / "demo" / f"{log}.log").read_text()
