"""The gateway says of itself what is new, and only that."""

import pytest
from gateway_folder import Folder

from contract import body, keys, records
from gateway.config import load
from gateway.errors import Unfit
from gateway.opening import open_sequencer
from gateway.preflight import prepare


@pytest.fixture
def folder(tmp_path, database_url):
    return Folder(tmp_path).keep_in(database_url)


def start(folder: Folder) -> list[tuple[str, list[bytes]]]:
    """Start once; the (type, parts) of what this start added."""
    config = load(folder.path)
    told = []
    ledger, _ = open_sequencer(folder.path, config, prepare(config), lambda: 7, lambda new, _: told.extend(new))
    ledger.close()
    return [(entry.type, list(body.unpack(entry.body).parts)) for entry in told]


def kinds(folder: Folder) -> list[str]:
    return [kind for kind, _ in start(folder)]


def test_the_first_start_says_everything(folder):
    said = start(folder)
    assert [kind for kind, _ in said] == ["manifest", "enrolment", "enrolment", "site", "factor"]
    author = records.read(said[0][1][0], records.Author)
    assert (author.parent, author.reason, author.started_ns) == (None, "start", 7)
    enrolled = [records.read(parts[0], records.EnrolmentPart) for _, parts in said[1:3]]
    expected = [("gateway", folder.gateway_key.public_key()), ("edge-1", folder.edge.public)]
    assert [(one.author, one.key) for one in enrolled] == [(name, keys.cose_key(key)) for name, key in expected]
    assert records.read(said[3][1][0], records.SitePart).toml == (folder.folder / "site.toml").read_bytes()
    assert records.read(said[4][1][0], records.FactorPart).toml == (folder.folder / "factors.toml").read_bytes()


def test_a_second_start_only_says_that_it_starts_and_after_what(folder):
    start(folder)
    said = start(folder)
    assert [kind for kind, _ in said] == ["manifest"]
    assert records.read(said[0][1][0], records.Author).parent.seq == 4


def test_what_changed_is_said_and_what_changed_back_too(folder):
    start(folder)
    for name in ("site", "factor"):
        path = folder.folder / ("site.toml" if name == "site" else "factors.toml")
        before = path.read_bytes()
        for data in (before + b"\n# reworded\n", before):
            path.write_bytes(data)
            assert kinds(folder) == ["manifest", name]
            assert kinds(folder) == ["manifest"]


def test_a_new_agent_is_enrolled(folder):
    start(folder)
    folder.write("edge-2.pub.pem", keys.public_to_pem(keys.generate().public_key()))
    folder.save(("[[agent]]", '[[agent]]\nname = "edge-2"\nkey = "edge-2.pub.pem"\n[[agent]]'))
    assert kinds(folder) == ["manifest", "enrolment"]


def test_another_key_of_a_known_agent_is_refused_and_nothing_is_said(folder):
    start(folder)
    folder.write("edge-1.pub.pem", keys.public_to_pem(keys.generate(keys.ES256).public_key()))
    with pytest.raises(Unfit, match=r"^agent\.edge-1\.key: [0-9a-f]{16} is not .*: .*gateway reenrol CONFIG edge-1`$"):
        start(folder)
    folder.write("edge-1.pub.pem", keys.public_to_pem(folder.edge.public))
    assert kinds(folder) == ["manifest"]


def test_one_key_is_one_agents(folder):
    start(folder)
    public = folder.write("gateway.pub.pem", keys.public_to_pem(folder.gateway_key.public_key()))
    folder.save(("[[agent]]", f'[[agent]]\nname = "edge-2"\nkey = "{public.name}"\n[[agent]]'))
    with pytest.raises(Unfit, match="agent.edge-2.key: is or was gateway's key"):
        start(folder)


def test_the_gateways_key_rotates_once_and_the_old_one_may_stay_in_the_file(folder):
    new = keys.generate(keys.ES256)
    start(folder)
    folder.write("gateway-2.pem", keys.private_to_pem(new), 0o600)
    folder.save(('key = "gateway.pem"', 'key = "gateway.pem"\nnext_key = "gateway-2.pem"'))
    said = start(folder)
    assert [kind for kind, _ in said] == ["manifest", "rotation", "enrolment", "manifest"]
    enrolment = records.read(said[2][1][0], records.EnrolmentPart)
    assert (enrolment.author, enrolment.key_id) == ("gateway", keys.thumbprint(new.public_key()))
    authors = [records.read(said[n][1][0], records.Author) for n in (0, 3)]
    assert [author.reason for author in authors] == ["start", "key rotated"]
    assert authors[1].parent.epoch == enrolment.rotation.epoch
    assert kinds(folder) == ["manifest"]
    folder.save(('key = "gateway.pem"\nnext_key = "gateway-2.pem"', 'key = "gateway-2.pem"'))
    assert kinds(folder) == ["manifest"]
    folder.save(('key = "gateway-2.pem"', 'key = "gateway.pem"'))
    with pytest.raises(Unfit, match=keys.thumbprint(new.public_key()).hex()):
        start(folder)
    folder.save(('key = "gateway.pem"', 'key = "gateway-2.pem"\nnext_key = "gateway.pem"'))
    with pytest.raises(Unfit, match="gateway.next_key: is or was gateway's key"):
        start(folder)


def test_a_first_start_may_rotate_at_once(folder):
    folder.write("gateway-2.pem", keys.private_to_pem(keys.generate()), 0o600)
    folder.save(('key = "gateway.pem"', 'key = "gateway.pem"\nnext_key = "gateway-2.pem"'))
    assert kinds(folder)[-3:] == ["rotation", "enrolment", "manifest"]
    assert kinds(folder) == ["manifest"]


def test_another_gateway_key_does_not_fit_the_ledger(folder):
    start(folder)
    folder.write("gateway.pem", keys.private_to_pem(keys.generate()), 0o600)
    with pytest.raises(Unfit, match="not the key this ledger's gateway signs with"):
        start(folder)
