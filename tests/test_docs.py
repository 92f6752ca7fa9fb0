"""The documents, held against the program: links, commands, configurations, error lines and the page's words.

A fence names what it holds: `toml KIND` is read by the loader of that kind, `toml excerpt FILE` must stand in the file,
`errors NAME` is what a configuration made here really produces. Every discovery says how much it found.
"""

import contextlib
import importlib
import io
import json
import re
import shlex
import tomllib
from collections import Counter
from pathlib import Path

import archive_maker
import pytest
from doc_makers import co_signed, export, factor_kind, late, outsider, pieces, restored, site, verify, witness
from gateway_folder import manual

import metertrail
from agent import check
from agent import cli as agent_cli
from agent.drivers import profile
from gateway import factors, site_model
from gateway.pages.cards import SHAPES
from gateway.pages.tables import REMARKS, SEAL_SHAPES
from gateway.words import WORDS
from verifier import cli as verifier_cli
from verifier import trust

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = [path for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith((".", "build", "dist"))]
DOCUMENTS = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in sorted([*ROOT.glob("*.md"), *(path for folder in FOLDERS for path in folder.rglob("*.md"))])
}
READERS = ("energy-engineer", "commissioning", "server", "operator", "carbon-accountant", "verifier")
HOW_TO = [f"docs/{reader}.md" for reader in READERS]
FENCE = re.compile(r"^```(\w*) ?([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FENCES = [(name, *found) for name, text in DOCUMENTS.items() for found in FENCE.findall(text)]
LINKS = [
    (name, target)
    for name, text in DOCUMENTS.items()
    for target in re.findall(r"\]\(([^)\s]+)\)", text)
    if "://" not in target
]
DAY_NS = 1_795_132_800 * 10**9  # 2026-11-20: certificates are judged by the day


def fences(language: str) -> list[tuple[str, str, str]]:
    """(document, what the fence names, content)."""
    return [(name, about, text) for name, known, about, text in FENCES if known == language]


def commands(text: str) -> list[str]:
    """Every `metertrail` command of a document: in code spans, indented code and fences of `sh`."""
    plain = FENCE.sub(lambda found: found[3] if found[1] == "sh" else "", text).replace("\\\n", " ")
    spans = re.findall(r"`((?:\.venv/bin/)?metertrail [^`]+)`", plain)
    lines = re.findall(r"^(?: {4}| {8})?((?:\.venv/bin/)?metertrail .+)$", plain, re.MULTILINE)
    return [" ".join(command.removeprefix(".venv/bin/").split()) for command in [*spans, *lines]]


COMMANDS = [(name, command) for name, text in DOCUMENTS.items() for command in commands(text)]


def help_of(*words: str) -> str:
    """What `metertrail WORDS --help` prints."""
    module, function, _ = metertrail.COMMANDS[words[0]]
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out), contextlib.suppress(SystemExit):
        getattr(importlib.import_module(module), function)([*words[1:], "--help"])
    return out.getvalue()


def test_documents_and_links_are_found():
    assert {"README.md", "README.zh.md", "CHANGELOG.md", "contract/README.md", *HOW_TO} <= DOCUMENTS.keys()
    assert len(DOCUMENTS) >= 9
    assert len(LINKS) >= 30
    for readme in ("README.md", "README.zh.md"):
        assert {(readme, page) for page in HOW_TO} <= set(LINKS)


@pytest.mark.parametrize(("document", "target"), LINKS)
def test_a_link_leads_somewhere(document, target):
    file, _, heading = target.partition("#")
    path = (ROOT / document).parent / file if file else ROOT / document
    assert path.exists(), f"{document}: {target}: no such file"
    if heading:
        titles = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        anchors = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
        assert heading in anchors, f"{document}: {target}: no such heading"


def test_no_document_knows_a_machine():
    for name, text in DOCUMENTS.items():
        found = re.findall(r"(?<![\w.])/(?:work|tmp|home|root|Users|mnt|opt|srv)/\S*|\.\./shared\S*|[A-Z]:\\\S+", text)
        assert not found, f"{name}: {found}"


# ---- commands --------------------------------------------------------------------------------------------------------


def test_commands_are_found():
    assert len(COMMANDS) >= 30
    assert Counter(name for name, _ in COMMANDS)["README.md"] >= 10
    asked = {command.split()[1] for _, command in COMMANDS}
    assert asked >= {"demo", "agent", "gateway", "export", "verify", "keygen"}


@pytest.mark.parametrize(("document", "command"), sorted(set(COMMANDS)))
def test_a_command_is_one_the_program_knows(document, command):
    words = shlex.split(command)[1:]
    told = help_of(words[0])
    if inner := re.search(r"\{([\w,]+)\} \.\.\.", told):
        place = next((n for n, word in enumerate(words[1:3], 1) if word in inner[1].split(",")), 0)  # after a CONFIG
        assert place or len(words) == 1, f"{document}: {command}"
        told = help_of(*words[: place + 1])
    given = {word.partition("=")[0] for word in words if word.startswith("-")}
    assert given <= set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", told)), f"{document}: {command}"


def test_both_readmes_name_the_same_commands():
    english, chinese = (commands(DOCUMENTS[name]) for name in ("README.md", "README.zh.md"))
    assert Counter(english) == Counter(chinese)
    makes = [re.findall(r"^ {4}(make \w+)$", DOCUMENTS[name], re.MULTILINE) for name in ("README.md", "README.zh.md")]
    assert makes[0] == makes[1] == ["make demo", "make test"]


# ---- configurations --------------------------------------------------------------------------------------------------


def edited(folder: Path, name: str, *changes: tuple[str, str]) -> Path:
    """A copy in `folder` of what ships under configs/, with words replaced; whatever it names lies beside it."""
    for path in (ROOT / "configs").rglob("*.toml"):
        copy = folder / path.relative_to(ROOT / "configs")
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(path.read_bytes())
    text = (folder / name).read_text()
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    (folder / name).write_text(text)
    return folder / name


def the(language: str, about: str) -> str:
    """The one fence that names this."""
    return next(text for _, named, text in fences(language) if named == about)


def with_a_profile(folder: Path, *changes: tuple[str, str]) -> Path:
    """The agent's shipped configuration with the page's addition, and the page's own profile beside it."""
    text = the("toml", "profile em-7.toml")
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    (path := edited(folder, "agent.toml")).write_text(path.read_text() + the("toml", "agent-addition"))
    (folder / "em-7.toml").write_text(text)
    return path


def excerpt(file: str, text: str) -> None:
    shipped = (ROOT / file).read_text().splitlines()
    lines = [line for line in text.splitlines() if line.strip()]
    assert lines
    assert not [line for line in lines if line not in shipped], f"not in {file}"


LOADERS = {
    "profile": lambda text: profile.parse(text.encode()),
    "site": lambda text: site_model.parse(text.encode()),
    "factor": lambda text: factors.parse(text.encode()),
    "trust": lambda text: trust.parse(text.encode()),
    "trust-outsiders": lambda text: trust.parse((the("toml", "trust") + text).encode(), outsider),
}


def test_every_toml_is_of_a_known_kind():
    kinds = Counter(about.partition(" ")[0] for _, about, _ in fences("toml"))
    assert kinds.keys() == {
        "profile", "agent-addition", "agent-buses", "agent-lines", "agent-exchange", "broker", "factor",
        "site", "trust", "trust-outsiders", "witness", "excerpt",
    }  # fmt: skip


@pytest.mark.parametrize(("document", "about", "text"), fences("toml"))
def test_toml_is_read_by_the_loader_it_is_meant_for(document, about, text, tmp_path):
    kind, _, argument = about.partition(" ")
    if kind == "excerpt":
        excerpt(argument, text)
    elif kind == "agent-addition":
        plan = check.load(with_a_profile(tmp_path), DAY_NS)
        assert set(tomllib.loads(text)) == {"bus", "meter"}
        assert plan.meters[-1].meter.name == "saw"
    elif kind == "agent-buses":
        (path := edited(tmp_path, "agent.toml")).write_text((ROOT / "configs/agent.toml").read_text() + text)
        assert {bus["name"] for bus in tomllib.loads(text)["bus"]} <= check.load(path, DAY_NS).buses.keys()
    elif kind == "agent-lines":
        (path := edited(tmp_path, "agent.toml")).write_text((ROOT / "configs/agent.toml").read_text() + text)
        (tmp_path / "filler.toml").write_text(the("toml", "profile filler.toml"))
        assert {line.told_by for line in check.load(path, DAY_NS).config.line} > {"packml", "counter", "schedule"}
    elif kind == "agent-exchange":
        shipped = (ROOT / "configs/agent.toml").read_text().split("[[meter]]\n")
        shipped[2] += text  # under the second meter
        (path := edited(tmp_path, "agent.toml")).write_text("[[meter]]\n".join(shipped))
        (over,) = check.load(path, DAY_NS).config.meter[1].handover.values()
        assert over.source in (ROOT / "configs/agent.toml").read_text()
    elif kind == "broker":
        shipped = (ROOT / "configs/agent.toml").read_text()
        before, _, after = shipped.partition("[mqtt]\n")
        (path := edited(tmp_path, "agent.toml")).write_text(before + text + after[after.index("# ---- buses") :])
        assert check.load(path, DAY_NS).config.mqtt.cert_file == tmp_path / "edge-1.cert.pem"
    elif kind == "witness":
        assert witness(tmp_path, text).ledgers
    else:
        assert LOADERS[kind](text), document


# ---- error lines -----------------------------------------------------------------------------------------------------


def agent_form(folder: Path) -> None:
    path = edited(folder, "agent.toml", ("every_ms = 200", "every_ms = 20"), ("lag_ms = 10", "lagms = 10"))
    agent_cli.main(["check", path.name])


def agent_meaning(folder: Path) -> None:
    furnace = 'points = ["power", "energy_import"]\nserial = "0170344512"'
    path = edited(
        folder, "agent.toml", ('kind = "rtu_over_tcp"', 'kind = "rtu"'),
        (furnace, furnace.replace("energy_import", "energy_imported")), ("# certificate =", "certificate ="),
        ("valid_from = 2026-03-02, valid_to = 2032-03-01", "valid_from = 2020-03-02, valid_to = 2026-03-01"),
    )  # fmt: skip
    agent_cli.main(["check", path.name])


def agent_profile(folder: Path) -> None:
    wrong = ('words = "low_first"\nunit = "Wh"', 'words = "little"\nunit = "Wh"')
    path = with_a_profile(folder, ('kind = "gauge"', 'kind = "gauge"\nstep = "1"'), wrong)
    agent_cli.main(["check", path.name])


def agent_files(folder: Path) -> None:
    agent_cli.main(["run", edited(folder, "agent.toml").name])


MAKERS = {
    "agent-form": agent_form, "agent-meaning": agent_meaning, "agent-profile": agent_profile, "manual": manual,
    "agent-files": agent_files, "site": site, "factor-kind": factor_kind, "export": export, "verify": verify,
    "late": late, "pieces": pieces, "restored": restored,
}  # fmt: skip
FIRST_LINES = {"agent-files"}  # the page shows the first of several alike


def test_every_error_block_has_its_configuration():
    assert sorted(about for _, about, _ in fences("errors")) == sorted(MAKERS)
    assert sum(len(text.splitlines()) for _, _, text in fences("errors")) == 27


@pytest.mark.parametrize(("document", "about", "text"), fences("errors"))
def test_error_lines_are_really_produced(document, about, text, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    MAKERS[about](tmp_path)
    produced = capsys.readouterr().err.replace(f"{tmp_path}/", "").splitlines()
    quoted = text.splitlines()
    assert produced[: len(quoted)] == quoted, document
    assert len(produced) == len(quoted) or about in FIRST_LINES


# ---- what `verify` prints --------------------------------------------------------------------------------------------


def shape(line: str) -> str:
    """A line of `verify` without what differs from archive to archive."""
    line = re.sub(r"metertrail/\w+|edge-1|gateway|[\w-]+/[a-z_]\w*(?=:)|\(\w+\)| m\w+$", "@", line)
    line = re.sub(r"\d{4}-\d\d-\d\dT[\d:]+Z", "#", line)
    line = re.sub(r"\b[0-9a-f]*\d[0-9a-f]*(?:/\d+)?\b", "#", line)
    return re.sub(r"epochs?\b", "epoch", line)


def verified(folder: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Every line of a good archive, of one with a changed byte, and of one judged by another's keys."""
    made = archive_maker.factory()
    (folder / "good.zip").write_bytes(made.pack())
    (folder / "trust.toml").write_bytes(made.trust())
    (folder / "other.toml").write_bytes(archive_maker.Factory().trust())
    changed = bytearray(made.pack())
    changed[changed.rindex(b"consumption") + len("consumption") + 6] ^= 1
    (folder / "changed.zip").write_bytes(changed)
    for archive, keys in (("good", "trust"), ("changed", "trust"), ("good", "other")):
        verifier_cli.main([str(folder / f"{archive}.zip"), "--trust", str(folder / f"{keys}.toml")])
    verifier_cli.main([str(folder / "good.zip"), *co_signed(folder)])
    return capsys.readouterr().out.splitlines()


def test_lines_of_verify_are_of_the_shape_it_prints(tmp_path, capsys):
    printed = {shape(line) for line in verified(tmp_path, capsys)}
    quoted = [line for _, _, text in fences("verify") for line in text.splitlines()]
    assert (len(quoted), [line for line in quoted if shape(line) not in printed]) == (31, [])


def test_every_check_of_verify_is_explained(tmp_path, capsys):
    text = DOCUMENTS["docs/verifier.md"]
    explained = set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))
    printed = {line.split()[1] for line in verified(tmp_path, capsys) if line.startswith("ok ")}
    assert len(printed) == 24
    assert explained == printed
    code = "".join(path.read_text() for path in (ROOT / "verifier").glob("*.py"))
    named = set(re.findall(r"(?:Finding|lacking)\(\s*\"(\w+)\"", code))
    assert len(named) >= 20
    assert not [name for name in named if f"`{name}`" not in text]
    for status, verdict in ((0, "pinned"), (0, "anchored"), (1, "failed"), (3, "self-consistent"), (4, "incomplete")):
        assert verifier_cli.EXIT[verdict] == status
        assert f"| {status} | *{verdict}*" in text


def test_the_batch_by_hand_comes_out_as_signed(tmp_path, monkeypatch, capsys):
    ((_, _, code),) = fences("python")
    (tmp_path / "coil.zip").write_bytes(archive_maker.factory().pack())
    for old, new in (
        ("L2-0001", "L1-0001"), ("line2", "line1"), ("800_000_000", "1_000_000_000"),
        ("lambda raw: round(", "lambda raw: 1000 * raw  # Wh ("), ("3907 + 1, 10_000 + 3907 + 1", "0, 1000"),
    ):  # fmt: skip
        assert old in code, old
        code = code.replace(old, new)
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "docs/verifier.md", "exec"), {})
    by_hand, signed = capsys.readouterr().out.splitlines()
    assert signed.split()[:2] == by_hand.split()
    assert int(by_hand.split()[0]) > 0


# ---- the page's words ------------------------------------------------------------------------------------------------


def test_the_operators_page_has_every_state_in_both_languages():
    rows = re.findall(r"^\| ([^|]+?) \| ([^|]+?) \|", DOCUMENTS["docs/operator.md"], re.MULTILINE)
    bare = {(english.lstrip("▶■✕●▲○ "), chinese.lstrip("▶■✕●▲○ ")) for english, chinese in rows}
    stated = bare - {("English", "中文"), ("---", "---")}
    known = {(WORDS["en"][key], WORDS["zh"][key]) for key in WORDS["en"]}
    assert stated <= known, stated - known
    states = [*SHAPES, *(f"seal_{seal}" for seal in SEAL_SHAPES), *REMARKS.values()]
    states += [key for key in WORDS["en"] if re.fullmatch(r"agent_(?!line)\w+", key)]
    states += [key for key in WORDS["en"] if key.startswith("waiting_")]
    states += [
        "partial",
        "provisional",
        "frozen",
        "undeclared",
        "other_unit",
        "at_once",
        "without_share",
        "no_bounds",
        "no_value",
    ]
    assert len(states) == 33
    missing = [key for key in states if (WORDS["en"][key], WORDS["zh"][key]) not in stated]
    assert not missing
    shapes = [*SHAPES.items(), *((f"seal_{k}", m) for k, m in SEAL_SHAPES.items())]
    for key, mark in shapes:
        assert f"| {mark} {WORDS['en'][key]} | {mark} {WORDS['zh'][key]} |" in DOCUMENTS["docs/operator.md"]


def test_the_accountants_figures_add_up():
    ((_, _, text),) = (fence for fence in fences("json") if fence[1] != "batch-message")
    said = json.loads(text)
    factor = factors.library([(ROOT / "configs/factors/cn-electricity-footprint-2024.toml").read_bytes()])
    assert factor["cn-electricity-footprint-2024"].value == "0.5777"
    assert said["direct_wh_milli"] + said["utilities"][0]["energy_wh_milli"] == said["energy_wh_milli"]
    assert abs(said["co2e_g_micro"] - said["energy_wh_milli"] * 577.7) <= 0.5
    assert abs(said["wh_milli_per_unit"] - said["energy_wh_milli"] * 10**9 / said["good_g_milli"]) <= 0.5
    assert abs(said["co2e_g_micro_per_unit"] - said["co2e_g_micro"] * 10**9 / said["good_g_milli"]) <= 0.5
    assert said["measured_ppm"] + said["allocated_ppm"] == 1_000_000
