"""House rules: the shape of the code is itself under test.

Imports are read from the syntax tree; what a table names (COMMANDS, DRIVERS) is imported, since no tree shows it.
"""

import ast
import importlib
import importlib.util
import re
import statistics
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

import metertrail
from agent.drivers import DRIVERS

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("contract", "agent", "gateway", "verifier", "witness", "simulators", "configs")

# Who may import whom. The longest key that a module lies under decides; a value allows itself and all below it.
REPLAY = ("contract", "agent.aggregation", "agent.drivers.profile", "agent.drivers.registers")
MAY_IMPORT = {
    "contract": ("contract",),
    "agent": ("contract", "agent"),
    "agent.aggregation": REPLAY,
    # lists that people fill in are read in one way, be they of meters or of batches
    "gateway": (*REPLAY, "agent.commission.import_cells", "agent.commission.import_sheet", "gateway"),
    "verifier": (
        *REPLAY, "verifier",
        "agent.commission.sheet",  # pure; a sheet is read in one way by who writes it and who checks it
        "gateway.admit", "gateway.attribution", "gateway.batch_facts", "gateway.cross_check", "gateway.factors",
        "gateway.manual", "gateway.media", "gateway.metering", "gateway.overlap", "gateway.site_model",
        "gateway.statement", "gateway.virtual",
    ),
    "witness": ("contract", "verifier.archive", "witness"),  # an outsider: nothing of the gateway it watches
    "simulators": ROOMS,
    "configs": (),
    "metertrail": (),
}  # fmt: skip

PURE = (
    "contract/*.py", "agent/aggregation/*.py", "agent/batches.py", "agent/columns.py", "agent/identity.py",
    "agent/load.py", "agent/losses.py", "agent/retention.py", "agent/schedule.py", "agent/stored.py",
    "agent/told.py", "agent/waiting.py", "agent/wal.py", "agent/commission/checks*.py",
    "agent/commission/dump_image.py", "agent/commission/endpoint.py", "agent/commission/explain.py",
    "agent/commission/fingerprint.py", "agent/commission/import_cells.py", "agent/commission/import_columns.py",
    "agent/commission/import_merge.py", "agent/commission/import_rows.py", "agent/commission/import_sheet.py",
    "agent/commission/probe_table.py",
    "agent/commission/scan_report.py", "agent/commission/sheet*.py", "agent/commission/spans.py",
    "agent/commission/sunspec.py", "agent/drivers/blocks.py", "agent/drivers/dlt645_frame.py",
    "agent/drivers/family.py", "agent/drivers/modbus_ear.py", "agent/drivers/modbus_frame.py",
    "agent/drivers/modbus_latency.py", "agent/drivers/modbus_pieces.py", "agent/drivers/point.py",
    "agent/drivers/profile.py", "agent/drivers/profile_checks.py", "agent/drivers/registers.py",
    "agent/drivers/words.py", "gateway/admit.py", "gateway/attribution.py", "gateway/batch_facts.py",
    "gateway/cross_check.py", "gateway/derived.py", "gateway/enrolments.py", "gateway/factors.py", "gateway/manual.py",
    "gateway/media.py", "gateway/metering.py", "gateway/overlap.py", "gateway/recoveries.py", "gateway/site_model.py",
    "gateway/statement.py", "gateway/summed.py", "gateway/trust.py",
    "gateway/virtual.py", "witness/judge.py",
)  # fmt: skip
WORLD = {
    "asyncio", "http", "logging", "multiprocessing", "os", "pathlib", "random", "secrets", "selectors", "shutil",
    "socket", "sqlite3", "ssl", "subprocess", "tempfile", "threading", "time", "urllib", "uuid",
}  # fmt: skip
WORLDLY_ATTRIBUTES = {
    "now", "utcnow", "today", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "urandom", "getenv", "environ",
    "random", "read_text", "read_bytes", "write_text", "write_bytes",
}  # fmt: skip
WORLDLY_BUILTINS = {"open", "print", "input", "exec", "eval", "__import__"}
OFFLINE = WORLD - {"os", "pathlib", "shutil", "tempfile"} | {
    "paho",
    "amqtt",
    "sqlalchemy",
    "psycopg",
    "nicegui",
    "pymodbus",
}

LINES_MAX, FUNCTION_LINES_MAX, MEDIAN_LINES_MAX = 400, 60, 150
NOT_NAMES = {"util", "utils", "helper", "helpers", "common", "manager", "managers", "misc", "base"}

# Modules without a test file of their own, and where they are tested instead.
TESTED_ELSEWHERE = {
    "contract/errors.py": "nothing but docstrings; every test of a refusal names its class",
}


def modules() -> list[Path]:
    """Every module of every room, and the command."""
    found = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]
    assert len(found) >= 60, f"only {len(found)} modules found: the discovery itself is broken"
    assert {path.relative_to(ROOT).parts[0] for path in found} == set(ROOMS)
    return [*found, ROOT / "metertrail.py"]


MODULES = {str(path.relative_to(ROOT)): path for path in modules()}
TREES = {name: ast.parse(path.read_text()) for name, path in MODULES.items()}
PURE_MODULES = [name for name in MODULES if any(fnmatch(name, pattern) for pattern in PURE)]


def dotted(name: str) -> str:
    """agent/drivers/modbus.py is agent.drivers.modbus; a package's __init__ is the package."""
    return name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


OURS = {dotted(name) for name in MODULES}


def imported(name: str) -> Iterator[str]:
    """Modules that a module imports, as dotted names; `from package import module` names the module."""
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}:{node.lineno}: imports are written in full"
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (found if found in OURS else str(node.module) for found in inner)


def lies_under(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


EACH = pytest.mark.parametrize("name", MODULES)


@EACH
def test_arrows(name):
    key = max((key for key in MAY_IMPORT if lies_under(dotted(name), key)), key=len)
    ours = {module for module in imported(name) if module.split(".")[0] in (*ROOMS, "metertrail")}
    wrong = {module for module in ours if not any(lies_under(module, allowed) for allowed in MAY_IMPORT[key])}
    assert not wrong, f"{name}: {key} may not import {', '.join(sorted(wrong))}"


def test_the_pure_modules_are_found():
    assert len(PURE_MODULES) >= 30
    for pattern in PURE:
        assert any(fnmatch(name, pattern) for name in PURE_MODULES), f"{pattern} names nothing"


@pytest.mark.parametrize("name", PURE_MODULES)
def test_the_core_is_pure(name):
    worldly = {module for module in imported(name) if module.split(".")[0] in WORLD}
    assert not worldly, f"{name}: imports {', '.join(sorted(worldly))}"
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.Attribute) and node.attr in WORLDLY_ATTRIBUTES:
            pytest.fail(f"{name}:{node.lineno}: .{node.attr} reads a clock, chance or a file")
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in WORLDLY_BUILTINS:
            pytest.fail(f"{name}:{node.lineno}: {node.func.id}() in a pure module")


@pytest.mark.parametrize("name", PURE_MODULES)
def test_the_core_rests_on_nothing_impure(name):
    pure = {dotted(pure) for pure in PURE_MODULES}
    packages = {"agent.drivers"}  # its __init__ holds the words of the driver interface and nothing else
    assert {module for module in imported(name) if module in OURS} <= pure | packages


def test_the_verifier_speaks_to_no_network_and_no_database():
    for name in (name for name in MODULES if name.startswith("verifier/")):
        reached = {module for module in imported(name) if module.split(".")[0] in OFFLINE - {"time"}}
        assert not reached, f"{name}: imports {', '.join(sorted(reached))}"


@EACH
def test_introduced_and_small(name):
    tree, lines = TREES[name], MODULES[name].read_text().count("\n")
    assert ast.get_docstring(tree), f"{name}: begins with no docstring"
    assert lines <= LINES_MAX, f"{name}: {lines} lines; at most {LINES_MAX}: a noun is missing, find it"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            assert length <= FUNCTION_LINES_MAX, f"{name}:{node.lineno}: {node.name} has {length} lines"


def test_the_median_module_fits_two_screens(record_property):
    sizes = {name: path.read_text().count("\n") for name, path in MODULES.items() if path.name != "__init__.py"}
    median, large = statistics.median(sizes.values()), sorted(name for name, lines in sizes.items() if lines > 250)
    record_property("sizes", f"{len(sizes)} modules, median {median} lines; above 250: {', '.join(large) or 'none'}")
    assert median <= MEDIAN_LINES_MAX


@EACH
def test_named_for_what_it_is(name):
    words = {word for part in Path(name).with_suffix("").parts for word in part.split("_")}
    assert not words & NOT_NAMES, f"{name}: say what it holds, not that it helps"


def test_files_of_tests_are_small_too():
    found = {path.name: path.read_text().count("\n") for path in (ROOT / "tests").rglob("*.py")}
    assert len(found) >= 40
    assert not {name: lines for name, lines in found.items() if lines > LINES_MAX}


def test_every_module_has_its_test_file():
    missing = []
    for name, path in MODULES.items():
        expected = f"test_{path.parent.name}_{path.stem}.py" if path.parent != ROOT else f"test_{path.stem}.py"
        present = any((ROOT / "tests").rglob(expected))
        assert not (present and name in TESTED_ELSEWHERE), f"{name}: has {expected}; strike it from the list"
        if path.name != "__init__.py" and not present and name not in TESTED_ELSEWHERE:
            missing.append(f"{name}: no {expected}")
    assert not missing, "\n".join(missing)


def test_the_list_of_those_tested_elsewhere_is_short_and_current():
    assert len(TESTED_ELSEWHERE) <= 10
    assert TESTED_ELSEWHERE.keys() <= MODULES.keys()
    assert all(TESTED_ELSEWHERE.values())


def named_module(module: str) -> object:
    try:
        missing = importlib.util.find_spec(module) is None
    except ModuleNotFoundError:
        missing = True
    if missing:
        pytest.skip(f"{module} is not written yet")
    return importlib.import_module(module)


def test_the_tables_are_not_empty():
    assert "agent" in metertrail.COMMANDS
    assert DRIVERS.keys() >= {"modbus", "opcua"}


@pytest.mark.parametrize("command", metertrail.COMMANDS)
def test_a_command_names_a_module_and_a_function_in_it(command):
    module, function, words = metertrail.COMMANDS[command]
    assert words
    assert callable(getattr(named_module(module), function, None))


@pytest.mark.parametrize("protocol", DRIVERS)
def test_a_driver_is_a_module_that_opens(protocol):
    assert callable(getattr(named_module(DRIVERS[protocol]), "open_driver", None))


@pytest.mark.parametrize("lock", sorted(path.name for path in ROOT.glob("requirements*.lock")))
def test_a_lock_file_pins_by_hash_and_names_no_index(lock):
    text = (ROOT / lock).read_text()
    pins = re.findall(r"^[a-z0-9][a-z0-9._-]*==\S+", text, re.MULTILINE)
    assert len(pins) >= 20
    assert text.count("--hash=sha256:") >= len(pins)
    assert "://" not in text
    assert not re.findall(
        r"^\s*(?:-i|--index-url|--extra-index-url|--find-links|-f|--trusted-host)\b", text, re.MULTILINE
    )
    unpinned = [line for line in text.splitlines() if re.match(r"[A-Za-z0-9]", line) and "==" not in line]
    assert not unpinned


def test_there_are_lock_files():
    names = {"requirements.lock", "requirements-dev.lock", "requirements-bench.lock"}
    assert {path.name for path in ROOT.glob("requirements*.lock")} == names
