"""Before anything is opened every named file is read, and every fault is told at once."""

import pytest
from gateway_folder import CONFIGS, Folder

from contract import keys
from contract.problems import Problems
from gateway.config import load
from gateway.preflight import prepare, strangers


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


def faults(folder: Folder) -> list[str]:
    with pytest.raises(Problems) as caught:
        prepare(load(folder.path))
    return [line.removeprefix(f"{folder.folder}/") for line in caught.value.lines]


def test_everything_in_order(folder):
    folder.write("web.password", b"operator:word\n", 0o600)
    folder.save(("[web]", '[web]\npassword_file = "web.password"'))
    prepared = prepare(load(folder.path))
    assert keys.private_to_pem(prepared.key) == keys.private_to_pem(folder.gateway_key)
    assert {name: keys.thumbprint(key) for name, key in prepared.agent_keys.items()} == {
        "edge-1": keys.thumbprint(folder.edge.public)
    }
    assert (prepared.mqtt_password, prepared.web_password) == ("gateway's", "operator:word")
    assert prepared.site == (folder.folder / "site.toml").read_bytes()
    assert prepared.factors == ((folder.folder / "factors.toml").read_bytes(),)


def test_all_faults_of_all_files_at_once(folder):
    folder.write("gateway.pem", b"no key", 0o600)
    folder.write("ledger.pem", keys.private_to_pem(keys.generate()), 0o644)
    folder.write("site.toml", b'site = "other"\nzone = "+99:00"')
    folder.write("factors.toml", b"[source]")
    (folder.folder / "gateway.password").unlink()
    (folder.folder / "broker.passwords").unlink()
    found = faults(folder)
    names = [line.split(": ")[0] for line in found]
    assert list(dict.fromkeys(names)) == [
        "gateway.pem", "ledger.pem", "gateway.password", "site.toml", "factors.toml", "broker.passwords",
    ]  # fmt: skip
    assert len(found) > len(set(names))
    assert not (folder.folder / "data").exists()


def test_a_site_model_of_another_site(folder):
    folder.save(('site = "demo"', 'site = "works"'))
    assert faults(folder) == ["site.toml: site: 'demo' where the gateway is of 'works': make them the same"]


def test_a_line_of_an_agent_without_a_key_is_told_and_is_no_fault(folder):
    config = load(folder.path)
    assert list(strangers(config, prepare(config).site)) == []
    slip = prepare(config).site.replace(b'agent = "edge-1"', b'agent = "egde-1"', 1)
    hint = "correct the name, or leave it if that agent is gone"
    assert list(strangers(config, slip)) == [f"line.line1.agent: 'egde-1' is no [[agent]] of the gateway: {hint}"]


def test_one_key_for_two_agents(folder):
    folder.save(("[[agent]]", '[[agent]]\nname = "edge-2"\nkey = "edge-1.pub.pem"\n[[agent]]'))
    assert faults(folder) == ["agent.edge-1.key: is edge-2's key as well: make a key for each agent"]


def test_a_token_is_long(folder):
    folder.save(("[web]", '[web]\ntoken_file = "web.token"'))
    folder.write("web.token", b"short\n", 0o600)
    assert faults(folder) == ["web.token: fewer than 32 letters and digits: make one with `openssl rand -hex 32`"]
    folder.write("web.token", b"a" * 64, 0o600)
    assert prepare(load(folder.path)).web_token == "a" * 64


@pytest.mark.parametrize("words", [b"word", b":word", b"name:"])
def test_a_page_password_needs_a_name(folder, words):
    folder.write("web.password", words, 0o600)
    folder.save(("[web]", '[web]\npassword_file = "web.password"'))
    assert faults(folder) == ["web.password: must be one line of name:password: correct it"]


def test_a_factor_of_the_wrong_kind_or_not_given(folder):
    folder.write("factors.toml", (CONFIGS / "factors" / "cn-electricity-co2-2023.toml").read_bytes())
    (line,) = faults(folder)
    assert line.startswith("site.toml: factor: 'cn-electricity-footprint-2024' is not among the factors given")
    site = folder.folder / "site.toml"
    words = site.read_text(encoding="utf-8").replace("cn-electricity-footprint-2024", "cn-electricity-co2-2023")
    site.write_text(words, encoding="utf-8")
    (line,) = faults(folder)
    assert line.endswith("a product needs a footprint factor (kgCO2e/kWh)")


def test_a_fingerprint_told_by_another_way_must_be_the_files(folder):
    right, other = (keys.thumbprint(key).hex() for key in (folder.edge.public, keys.generate().public_key()))
    line = 'key = "edge-1.pub.pem"'
    folder.save((line, f'{line}\nfingerprint = "{right}"'))
    prepare(load(folder.path))
    folder.save((right, other))
    hint = "ask whoever runs the agent for its thumbprint, and do not go on before both are the same"
    holds = f"{folder.folder}/edge-1.pub.pem holds another key, {right}"
    assert faults(folder) == [f"agent.edge-1.fingerprint: {holds}: {hint}"]
    folder.save((other, other[:-1]))
    with pytest.raises(Problems, match="fingerprint: .*64 hexadecimal digits"):
        load(folder.path)


def test_the_next_key_is_read_before_anything_else(folder):
    folder.save(('key = "gateway.pem"', 'key = "gateway.pem"\nnext_key = "gateway-2.pem"'))
    assert faults(folder)[0].startswith("gateway-2.pem: No such file")
    folder.write("gateway-2.pem", keys.private_to_pem(keys.generate()), 0o600)
    assert prepare(load(folder.path)).next_key is not None
