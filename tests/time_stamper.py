"""A time-stamp authority on this machine: OpenSSL's, with a root of its own; also over HTTP, as authorities are."""

import subprocess
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from cryptography import x509
from web_stub import Answer

CONFIG = """
[req]
distinguished_name = name
prompt = no
[name]
CN = Test time stamps
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
[signer]
basicConstraints = CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
[tsa]
default_tsa = stamps
[stamps]
serial = serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha512
accuracy = secs:1, millisecs:500
"""


class TimeStamper:
    """Its files lie in `folder`; `root` is the certificate to trust."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self._folder = folder
        (folder / "tsa.cnf").write_text(CONFIG)
        (folder / "serial").write_text("01\n")
        new = ["-newkey", "rsa:2048", "-nodes", "-config", "tsa.cnf"]
        self._openssl("req", "-x509", *new, "-extensions", "root", "-keyout", "root.key", "-out", "root.pem")
        self._openssl("req", *new, "-subj", "/CN=Test signer", "-keyout", "signer.key", "-out", "signer.csr")
        by = ["-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial", "-extfile", "tsa.cnf"]
        self._openssl("x509", "-req", "-in", "signer.csr", *by, "-extensions", "signer", "-out", "signer.pem")
        self.root_file = folder / "root.pem"
        self.root = x509.load_pem_x509_certificate(self.root_file.read_bytes())
        self.signer = x509.load_pem_x509_certificate((folder / "signer.pem").read_bytes())

    def answer(self, query: bytes, *, chain: bool = False) -> bytes:
        """What it answers to a TimeStampReq; with `chain` the certificates stand as OpenSSL puts them."""
        (self._folder / "query").write_bytes(query)
        signer = ["-signer", "signer.pem", "-inkey", "signer.key", *(["-chain", "root.pem"] if chain else [])]
        whole = ["-config", "tsa.cnf", "-section", "stamps", *signer]
        self._openssl("ts", "-reply", "-queryfile", "query", "-out", "answer", *whole)
        return (self._folder / "answer").read_bytes()

    def stamp(self, words: bytes, *, chain: bool = False, digest: str = "sha256") -> bytes:
        """A token over these words, asked for as OpenSSL asks."""
        (self._folder / "words").write_bytes(words)
        self._openssl("ts", "-query", "-data", "words", f"-{digest}", "-cert", "-out", "asked")
        return self.answer((self._folder / "asked").read_bytes(), chain=chain)

    def told_at(self, answer: bytes) -> datetime:
        """The time of a token, to the second, as OpenSSL reads it."""
        (self._folder / "answer").write_bytes(answer)
        told = self._openssl("ts", "-reply", "-in", "answer", "-text").decode()
        line = next(line for line in told.splitlines() if line.startswith("Time stamp: "))
        return datetime.strptime(line, "Time stamp: %b %d %H:%M:%S %Y GMT").replace(tzinfo=UTC)

    def verifies(self, answer: bytes, words: bytes) -> bool:
        """Whether OpenSSL, too, believes a token over these words."""
        (self._folder / "answer").write_bytes(answer)
        (self._folder / "words").write_bytes(words)
        told = self._openssl("ts", "-verify", "-in", "answer", "-data", "words", "-CAfile", "root.pem")
        return b"Verification: OK" in told

    def web_answer(self, query: bytes) -> Answer:
        """The same over HTTP."""
        return Answer(200, self.answer(query))

    def _openssl(self, *arguments: str) -> bytes:
        run = partial(subprocess.run, check=True, capture_output=True, timeout=60, cwd=self._folder)
        return run(["openssl", *arguments]).stdout
