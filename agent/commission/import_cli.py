"""`metertrail import`: a list of meters from Excel or CSV into an agent's configuration.

In: the words of the command line. Out: what would change, as a diff; with --write the changed file, the old one kept
beside it. Every mistake is told at once, by row and column, and then nothing is written.
"""

import argparse
import difflib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from agent.commission import import_file, import_merge, import_rows
from agent.commission.import_sheet import Listed
from contract.problems import Problems

FAULTY = 2


def main(argv: list[str]) -> int:
    """Exit status: 0 done, 2 the list or the configuration cannot be used."""
    parser = argparse.ArgumentParser(prog="metertrail import", description="A list of meters into agent.toml.")
    parser.add_argument("list", type=Path, metavar="LIST", help="meters.xlsx, or a CSV file")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--template", action="store_true", help="write an empty list with its columns explained")
    what.add_argument("--into", type=Path, metavar="AGENT.toml", help="show what would change in this configuration")
    parser.add_argument("--write", action="store_true", help="change it; the old one is kept as AGENT.toml.bak")
    asked = parser.parse_args(argv)
    try:
        if asked.template:
            return _template(asked.list)
        return _import(asked.list, asked.into, write=asked.write)
    except Problems as problems:
        sys.stderr.write("\n".join(problems.lines) + "\n")
    except OSError as error:
        hint = "choose another place, or ask who may write there"
        sys.stderr.write(f"{error.filename}: cannot be written: {error.strerror}: {hint}\n")
    return FAULTY


def _template(path: Path) -> int:
    from agent.commission import template  # noqa: PLC0415 - only here is a workbook written

    if path.suffix.lower() != ".xlsx":
        raise Problems([f"{path}: a template is an Excel workbook: call it {path.with_suffix('.xlsx')}"])
    data = template.workbook()
    try:
        with path.open("xb") as file:
            file.write(data)
    except FileExistsError:
        raise Problems([f"{path}: exists already: choose another name"]) from None
    sys.stdout.write(f"{path}: fill in a row for each meter, then: metertrail import {path} --into agent.toml\n")
    return 0


def _import(path: Path, config: Path, *, write: bool) -> int:
    listed = import_file.load(path)
    try:
        before = config.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise Problems([f"{config}: byte {error.start}: not UTF-8: save the file as UTF-8"]) from None
    except OSError as error:
        hint = "name the agent's configuration the meters go into"
        raise Problems([f"{config}: {error.strerror}: {hint}"]) from None
    wanted, faults = import_rows.read(listed.rows)
    try:
        merged = import_merge.merge(before, {one.name: one.table for one in wanted})
    except Problems as error:
        raise Problems([*_lines(path, faults), *(f"{config}: {line}" for line in error.lines)]) from None
    proposed = _proposed(config, merged.text)
    try:
        _check(path, config, proposed, wanted, faults)
        _tell(path, config, listed, before, merged)
        if write and merged.text != before:
            shutil.copy2(config, config.with_name(config.name + ".bak"))
            shutil.copymode(config, proposed)
            proposed.replace(config)
    finally:
        with suppress(FileNotFoundError):
            proposed.unlink()
    if merged.text != before:
        backup = f"{config}.bak keeps the old one" if write else "nothing is written yet: add --write"
        sys.stdout.write(f"{config}: {'written; ' if write else ''}{backup}\n")
    return 0


def _proposed(config: Path, text: str) -> Path:
    """The new text in a file of its own beside the old one, for paths in it begin there; on the disk for good."""
    descriptor, name = tempfile.mkstemp(dir=config.parent, prefix=f".{config.name}.", suffix=".proposed")
    with os.fdopen(descriptor, "wb") as file:
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())
    return Path(name)


def _check(
    path: Path,
    config: Path,
    proposed: Path,
    wanted: Sequence[import_rows.Wanted],
    faults: Sequence[import_rows.Fault],
) -> None:
    """Raise Problems with every mistake of the list and of the configuration it would make."""
    from agent import check  # noqa: PLC0415 - drivers and kernels: only once there is something to check

    found, elsewhere = list(faults), []
    try:
        check.load(proposed, time.time_ns())
    except Problems as problems:
        doubted = {one.row: one.doubted for one in wanted}
        absent = [f"there is no meter {one.name!r}" for one in wanted]  # left out for a fault of its own
        for line in problems.lines:
            told = line.removeprefix(f"{proposed}: ")
            fault = import_rows.placed(told, wanted)
            if fault is not None:
                found += [] if fault.column in doubted[fault.row] else [fault]
            elif not any(words in told for words in absent):
                elsewhere.append(f"{config}: {told}")
    faulty = {fault.row for fault in found if fault.column in ("unit", "bus", "base", "name")}
    owners = [f"is {one.name}'s already" for one in wanted if one.row in faulty]  # of a unit nobody meant
    found = [fault for fault in found if not any(words in fault.told for words in owners)]
    if found or elsewhere:
        raise Problems([*_lines(path, found), *elsewhere])


def _lines(path: Path, faults: Sequence[import_rows.Fault]) -> list[str]:
    """One line for each faulty cell: what follows from its first fault is left out."""
    first: dict[tuple[int, str], str] = {}
    for fault in faults:
        first.setdefault((fault.row, fault.column), fault.told)
    return [f"{path}: row {row}, column {column}: {first[row, column]}" for row, column in sorted(first)]


def _tell(path: Path, config: Path, listed: Listed, before: str, merged: import_merge.Merged) -> None:
    say = sys.stdout.write
    say(f"{path}: read as {listed.read_as}\n")
    if numbers := import_rows.numbers_as_serials(listed.rows):
        say(f"{path}: column serial: {numbers} are numbers, not text: check that none has lost leading zeros\n")
    old, new = (text.splitlines(keepends=True) for text in (before, merged.text))
    sys.stdout.writelines(difflib.unified_diff(old, new, str(config), f"{config} (new)"))
    for name, keys in merged.changed:
        say(f"changed: {name}: {', '.join(keys)}\n")
    for word, names in (("added", merged.added), ("unchanged", merged.same), ("left, not in the list", merged.left)):
        if names:
            say(f"{word}: {len(names)}: {', '.join(names)}\n")
