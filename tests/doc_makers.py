"""The mistakes whose error lines the documents quote: each is made in a folder, and the program complains on stderr."""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import archive_maker
import databases
import witnesses
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from gateway_folder import Folder
from witness_folder import witness_toml

from contract import keys
from gateway import attribution, config, cross_check, export_cli, factors, late_cli, opening, preflight, site_model
from gateway import cli as gateway_cli
from gateway.errors import Stopped
from verifier import cli as verifier_cli
from witness import config as witness_config

ROOT = Path(__file__).resolve().parent.parent


def site(folder: Path) -> None:
    made = Folder(folder)
    text = (folder / "site.toml").read_text()
    for old, new in (("+08:00", "Asia/Shangai"), ('unit = "t"', 'unit = "pieces"'), ('"2.70"', "2.7")):
        text = text.replace(old, new, 1)
    (folder / "site.toml").write_text(text)
    gateway_cli.main(["check", made.path.name])


def restored(folder: Path) -> None:
    """A gateway whose database is older than the copy of its checkpoints."""
    made = Folder(folder)
    loaded = config.load(made.path)
    for size in (None, 5, 5):
        try:
            opening.open_sequencer(made.path, loaded, preflight.prepare(loaded), lambda: 0, lambda *_: None)[0].close()
        except Stopped as error:
            sys.stderr.write(f"{error}\n")
        else:
            if size:
                databases.set_back(loaded.gateway.database_url, size)


def factor_kind(_: Path) -> None:
    model = (ROOT / "configs/demo/site.toml").read_text().replace("electricity-footprint-2024", "electricity-co2-2023")
    known = factors.library([(ROOT / "configs/factors/cn-electricity-co2-2023.toml").read_bytes()])
    sys.stderr.write("\n".join(attribution.check_factors(site_model.parse(model.encode()), known)))


def pieces(_: Path) -> None:
    model = site_model.parse((ROOT / "configs/demo/site.toml").read_bytes())
    known = factors.library([(ROOT / "configs/factors/cn-electricity-footprint-2024.toml").read_bytes()])
    batch = attribution.BatchFacts(
        "edge-1", "L1-0001", "line1", "steel coil 1.5 mm", 0, 1, True, 1, 1, 1, 1, None, None, good_one_milli=480_000
    )
    said = attribution.attribute(model, known, [batch], [], 0, 2, provisional=False)
    sys.stderr.writelines(cross_check.remarks(attribution.canonical_json(said)))


def export(folder: Path) -> None:
    made = Folder(folder)
    (folder / "coil.zip").touch()
    usual = {"--product": "steel coil 1.5 mm", "--from": "2026-11-01T00:00", "--to": "2026-12-01T00:00"}
    backwards = {"--from": usual["--to"], "--to": usual["--from"]}
    for changed in ({"--out": "coil.zip"}, {"--product": "steel coil"}, backwards, {"--from": "yesterday"}):
        asked = {**usual, "--out": "new.zip", **changed}
        export_cli.main([*(word for pair in asked.items() for word in pair), made.path.name])


def late(folder: Path) -> None:
    path = Folder(folder).path
    rows = [
        "line,batch,product,start,end,author,reason",
        "line1,L1-0007,steel coil 1.5 mm,2026-04-12 08:30,2026-04-12 08:30,Li,off",
        "line1,L1-0008,steel coil 1.5 mm,8.30,2026-04-12 11:05,Li,",
    ]
    (folder / "may.csv").write_text("\n".join(rows))
    late_cli.main([path.name, "import", "may.csv"])


def verify(folder: Path) -> None:
    (folder / "junk.zip").write_bytes(b"junk")
    (folder / "trust.toml").write_bytes(archive_maker.factory().trust().replace(b'ledger = "', b'ledger = "zz" #'))
    for arguments in (["nowhere.zip"], ["junk.zip"], ["junk.zip", "--trust", "trust.toml"]):
        verifier_cli.main(arguments)


def co_signed(folder: Path) -> list[str]:
    """Arguments of `verify` for the factory's archive, as a reader has them to whom a witness's note was sent."""
    made = archive_maker.factory()
    (folder / "kept.txt").write_text(witnesses.cosigned(made.note(), 1_700_002_000))
    return ["--trust", str(witnesses.trust_file(made, folder / "known")), "--checkpoint", str(folder / "kept.txt")]


def outsider(name: str) -> bytes:
    """The files that the page's trust file names; the certificate is good for nothing but being read."""
    if name.endswith(".pub.pem"):
        return keys.public_to_pem(witnesses.KEY.public_key())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "stamps.example")])
    made = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).serial_number(1)
    day = datetime(2026, 1, 1, tzinfo=UTC)
    made = made.not_valid_before(day).not_valid_after(day + timedelta(days=1)).public_key(witnesses.KEY.public_key())
    return made.sign(witnesses.KEY, None).public_bytes(Encoding.PEM)


def witness(folder: Path, text: str) -> witness_config.Config:
    """The page's configuration of a witness, read with the keys it names."""
    path = witness_toml(folder, witnesses.KEY.public_key())
    (folder / "plant-1-ledger.pub.pem").write_bytes((folder / "ledger.pub.pem").read_bytes())
    path.write_text(text)
    return witness_config.load(path)
