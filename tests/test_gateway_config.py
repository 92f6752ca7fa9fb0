"""The gateway's configuration: complete examples load, and every fault is told at once in words."""

from pathlib import Path

import pytest
from gateway_folder import CONFIGS, Folder

from contract.problems import Problems
from gateway.config import is_loopback, load


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


def faults(folder: Folder) -> list[str]:
    with pytest.raises(Problems) as caught:
        load(folder.path)
    assert all(line.startswith(f"{folder.path}: ") for line in caught.value.lines)
    return [line.removeprefix(f"{folder.path}: ") for line in caught.value.lines]


def test_a_configuration_with_its_usual_values(folder):
    config = load(folder.path)
    here = folder.folder
    assert config.gateway.database_url == f"sqlite:///{here}/data/ledger.sqlite"
    assert config.gateway.checkpoint_file == here / "data" / "checkpoints.txt"
    assert (config.gateway.key, config.site, config.agent[0].key) == (
        here / "gateway.pem", here / "site.toml", here / "edge-1.pub.pem",
    )  # fmt: skip
    assert (config.mqtt.host, config.mqtt.username, config.web.host) == ("127.0.0.1", "gateway", "127.0.0.1")


@pytest.mark.parametrize("value", ['"mysql://u:hunter2@host/d"', '"hunter2"', "['hunter2']"])
def test_a_database_that_cannot_be_used_is_told_without_its_password(folder, value):
    folder.save(('data = "data"', f'data = "data"\ndatabase = {value}'))
    with pytest.raises(Problems) as found:
        load(folder.path)
    (line,) = found.value.lines
    assert line.startswith(f"{folder.path}: gateway.database: what is given here is not accepted: ")
    assert "hunter2" not in line


@pytest.mark.parametrize("named", ["new.sqlite", "./new.sqlite", "{here}/new.sqlite"])
def test_a_database_in_a_file_lies_beside_the_configuration(folder, named, monkeypatch, tmp_path_factory):
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    folder.keep_in(f"sqlite:///{named.format(here=folder.folder)}")
    assert load(folder.path).gateway.database_url == f"sqlite:///{folder.folder}/new.sqlite"


def test_a_databases_password_is_not_shown_with_the_configuration(folder):
    folder.keep_in("postgresql://u:hunter2@host/d")
    config = load(folder.path)
    assert config.gateway.database_url == "postgresql://u:hunter2@host/d"
    assert "hunter2" not in repr(config)


@pytest.mark.parametrize("name", ["gateway.toml", "demo/gateway.toml"])
def test_the_examples_load_and_name_files_that_are_there(name):
    config = load(CONFIGS / name)
    assert config.site.is_file()
    assert config.factors
    assert all(path.is_file() for path in config.factors)


def test_every_key_of_the_model_is_explained_in_the_example():
    text = (CONFIGS / "gateway.toml").read_text()
    config = load(CONFIGS / "gateway.toml")
    tables = [config, config.gateway, config.mqtt, config.broker, config.web, config.agent[0]]
    names = [name for table in tables for name in type(table).model_fields]
    assert len(names) > 25
    for name in names:
        assert any(
            line.removeprefix("# ").startswith((f"{name} =", f"[{name}]", f"[[{name}]]")) for line in text.splitlines()
        ), name


def test_all_faults_at_once(folder):
    folder.save(
        ('site = "demo"', 'site = "Demo Plant"'),
        (f"port = {folder.web_port}", "port = 0\nhots = 1"),
        ("tls = false", ""),
    )
    folder.save(('key = "gateway.pem"', ""))
    assert faults(folder) == [
        "gateway.site: 'Demo Plant': 'Demo Plant': use 1 to 64 of a-z, 0-9 and '-', not beginning with '-'",
        "gateway.key: missing: add it",
        "web.port: 0: should be greater than or equal to 1",
        "web.hots: unknown key: did you mean host?",
    ]


def test_contradictions(folder):
    agents = ["gateway", "edge-1", "edge-1"]
    folder.save(
        ('[[agent]]\nname = "edge-1"\nkey = "edge-1.pub.pem"\n', ""),
        ("tls = false", 'username = "edge-1"'),
        ("[web]", '[web]\nhost = "0.0.0.0"'),
        ('password_file = "broker.passwords"', "\n".join(f'[[agent]]\nname = "{name}"\nkey = "a"' for name in agents)),
    )
    assert [line.split(": ")[:2] for line in faults(folder)] == [
        ["agent.edge-1.name", "used twice"],
        ["agent.gateway.name", "is the gateway's own name"],
        ["web.password_file", "missing"],
        ["broker.password_file", "missing"],
        ["mqtt.username", "'edge-1' is an agent's name"],
        ["broker.cert_file", "missing, or broker.key_file is"],
    ]


@pytest.mark.parametrize(("text", "start"), [("a =", "not TOML: "), ('site = "s"', "gateway: missing")])
def test_what_is_hardly_a_configuration(folder, text, start):
    folder.path.write_text(text)
    assert faults(folder)[0].startswith(start)


def test_no_file(tmp_path):
    with pytest.raises(Problems, match="No such file or directory: name a gateway's configuration file"):
        load(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False), ("plant", False)],
)
def test_is_loopback(host, expected):
    assert is_loopback(host) is expected


def test_the_home_folder_is_understood(folder):
    folder.save(('data = "data"', 'data = "~/metertrail"'))
    assert load(folder.path).gateway.data == Path.home() / "metertrail"
