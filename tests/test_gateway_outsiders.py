"""Outsiders in the gateway's configuration: files are read, and every fault is told with its file."""

import re
from pathlib import Path

import pytest
import witnesses
from gateway_folder import CONFIGS, Folder
from time_stamper import TimeStamper

from contract import keys
from contract.problems import Problems
from gateway import config, preflight

TABLES = f"""
[[witness]]
name = "{witnesses.NAME}"
key = "w1.pub.pem"
url = "http://127.0.0.1:1/"
[[witness]]
name = "by-mail.example"
key = "w1.pub.pem"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A gateway's folder, and a function that writes its configuration with more tables."""
    made = Folder(tmp_path_factory.mktemp("gateway"))
    made.write("w1.pub.pem", keys.public_to_pem(witnesses.KEY.public_key()))

    def with_tables(tables: str = TABLES) -> Path:
        return made.write("more.toml", (made.toml + tables).encode())

    return with_tables


def test_who_has_an_address_is_asked_and_all_are_known(folder):
    known = preflight.prepare(config.load(folder())).outsiders
    assert [(one.name, one.every_ns) for one in known.asked] == [(witnesses.NAME, 3_600 * 10**9)]
    assert list(known.witness_keys) == [witnesses.NAME, "by-mail.example"]


def test_an_authority_is_read_with_its_certificate(need, folder):
    need("openssl")
    TimeStamper(folder("").parent / "tsa")
    tables = (
        '[[timestamp]]\nname = "stamps"\nurl = "http://127.0.0.1:1/"\ncertificate = "tsa/root.pem"\nevery_hours = 6\n'
    )
    (asked,) = preflight.prepare(config.load(folder(tables))).outsiders.asked
    assert (asked.name, asked.every_ns) == ("stamps", 6 * 3_600 * 10**9)


def test_without_tables_nobody_is_known(folder):
    known = preflight.prepare(config.load(folder(""))).outsiders
    assert (known.asked, known.witness_keys) == ((), {})


@pytest.mark.parametrize(
    ("tables", "line"),
    [
        ('[[witness]]\nname = "w"\nkey = "none.pem"\n', "none.pem: No such file or directory: ask the witness for its"),
        ('[[witness]]\nname = "w"\nkey = "site.toml"\n', "site.toml: "),
        (
            '[[timestamp]]\nname = "s"\nurl = "http://x/"\ncertificate = "site.toml"\n',
            "site.toml: no certificate: give the authority's root certificate as PEM",
        ),
        (TABLES.replace("by-mail.example", witnesses.NAME), f"witness.{witnesses.NAME}.name: used twice"),
    ],
)
def test_what_cannot_be_used_is_told(folder, tables, line):
    path = folder(tables)
    with pytest.raises(Problems) as found:
        preflight.prepare(config.load(path))
    assert any(line in one for one in found.value.lines), found.value.lines


@pytest.mark.parametrize(
    ("tables", "line"),
    [
        ('[[witness]]\nname = "a b"\nkey = "w1.pub.pem"\n', "write a name without spaces and '+'"),
        ('[[witness]]\nname = "w"\nkey = "w1.pub.pem"\nurl = "ftp://x"\n', "witness.w.url: "),
        ('[[timestamp]]\nname = "s"\nurl = "http://x/"\n', "timestamp.s.certificate: missing: add it"),
        (
            '[[timestamp]]\nname = "s"\nurl = "http://x/"\ncertificate = "c"\nevery_hours = 0\n',
            "timestamp.s.every_hours",
        ),
    ],
)
def test_a_mistake_in_a_table_is_told_by_its_key(folder, tables, line):
    with pytest.raises(Problems) as found:
        config.load(folder(tables))
    assert any(line in one for one in found.value.lines), found.value.lines


def test_the_tables_shown_in_comments_work_as_they_stand(tmp_path):
    text = (CONFIGS / "gateway.toml").read_text()
    shown = text[text.index("# [[witness]]") : text.index("# ---- agents")]
    shown = re.sub("^# ", "", shown, flags=re.MULTILINE)
    (tmp_path / "gateway.toml").write_text(text + shown)
    loaded = config.load(tmp_path / "gateway.toml")
    assert [(one.name, one.every_hours) for one in (*loaded.witness, *loaded.timestamp)] == [
        ("auditor.example/w1", 1), ("stamps.example", 24)
    ]  # fmt: skip
