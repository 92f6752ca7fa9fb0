"""The configurations that ship, followed as the README says: one site, complete but for keys and passwords."""

import re
import shutil
from pathlib import Path

from agent import check
from agent import cli as agent_cli
from contract.topics import CHANNELS
from gateway import broker, config, site_model
from gateway import cli as gateway_cli

ROOT = Path(__file__).resolve().parent.parent
DAY_NS = 1_795_132_800 * 10**9  # 2026-11-20: certificates are judged by the day


def test_a_copy_with_keys_and_passwords_is_in_order(tmp_path, monkeypatch, capsys):
    """The steps of "Point it at a real meter", with nothing changed in the files."""
    plant = Path(shutil.copytree(ROOT / "configs", tmp_path / "my-plant"))
    monkeypatch.chdir(plant)
    keys = re.findall(r"^ +metertrail keygen (\S+)$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert [agent_cli.keygen([name]) for name in keys] == [0, 0, 0]
    lines = []
    for name in ("gateway", "edge-1"):
        (plant / f"{name}.password").write_text(f"{name}-word\n")
        (plant / f"{name}.password").chmod(0o600)
        lines.append(f"{name}:{broker.hash_password(f'{name}-word')}\n")
    (plant / "broker.passwords").write_text("".join(lines))
    assert [agent_cli.main(["check", "agent.toml"]), gateway_cli.main(["check", "gateway.toml"])] == [0, 0]
    assert capsys.readouterr().out.count(": in order\n") == 2


def test_agent_gateway_and_site_belong_together():
    edge = check.load(ROOT / "configs/agent.toml", DAY_NS).config
    told = config.load(ROOT / "configs/gateway.toml")
    site = site_model.parse((ROOT / "configs/site.toml").read_bytes())
    assert told.site == ROOT / "configs/site.toml"
    assert edge.agent.site == told.gateway.site == site.site
    assert [agent.name for agent in told.agent] == [edge.agent.name] == [edge.mqtt.username]
    assert [(line.agent, line.id) for line in site.lines] == [(edge.agent.name, line.name) for line in edge.line]
    assert (edge.mqtt.host, edge.mqtt.port, edge.mqtt.tls) == (told.mqtt.host, told.mqtt.port, told.mqtt.tls)


def test_the_virtual_meter_shown_in_comments_works_as_it_stands():
    text = (ROOT / "configs/site.toml").read_text()
    shown = text[text.index("# [[virtual]]") :].replace("# ", "")
    (both,) = site_model.parse((text + shown).encode()).virtuals
    meters = {meter.name for meter in check.load(ROOT / "configs/agent.toml", DAY_NS).config.meter}
    assert (both.agent, both.formula.keys() <= meters) == ("edge-1", True)


def test_nothing_in_clear_leaves_the_machine_as_shipped():
    told = config.load(ROOT / "configs/gateway.toml")
    assert not told.mqtt.tls
    assert all(config.is_loopback(host) for host in (told.mqtt.host, told.broker.bind, told.web.host))


def test_the_brokers_rules_are_those_the_embedded_broker_keeps():
    text = (ROOT / "configs/mosquitto/metertrail.acl").read_text()
    user, written = "", {"read": {}, "write": {}}
    for word, *rest in (line.split() for line in text.splitlines() if line and not line.startswith("#")):
        if word == "user":
            user = rest[0]
        else:
            whose = "edge-1" if word == "pattern" else user
            written[rest[0]].setdefault(whose, []).append(rest[1].replace("%u", whose))
    made = config.Config.model_validate(
        {
            "site": "s",
            "agent": [{"name": "edge-1", "key": "k"}],
            "mqtt": {"password_file": "p", "tls": False},
            "gateway": {"site": "plant-1", "data": "d", "key": "k", "ledger_key": "l"},
        }
    )
    rules = broker.settings(made)["plugins"]["amqtt.plugins.topic_checking.TopicAccessControlListPlugin"]
    assert sum(len(topics) for known in written.values() for topics in known.values()) == 2 * len(CHANNELS)
    for action, key in (("write", "publish_acl"), ("read", "acl")):
        assert {user: set(topics) for user, topics in written[action].items()} == {
            user: set(topics) for user, topics in rules[key].items()
        }
