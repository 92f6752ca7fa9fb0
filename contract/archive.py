"""The archive's file: a ZIP of stored members in one canonical form, so that the members determine it to the last byte.

In: members by name. Out: bytes. Names stand in order, every date is 1980-01-01, the mode 0600, no extra field, no
comment:
    checkpoint.txt     the ledger's signed note
    entries.cborseq    [index, signed header, body or null] for every ledger index from 0 on
    ledger.pem         the ledger's public key
    receipts.cborseq   the latest receipt of every agent, each as a byte string
    statement.json     the statement, canonical JSON; empty where the archive is of a whole ledger
"""

import io
import zipfile
from collections.abc import Mapping

MEMBERS = ("checkpoint.txt", "entries.cborseq", "ledger.pem", "receipts.cborseq", "statement.json")


def pack(members: Mapping[str, bytes]) -> bytes:
    """The one file that holds these members."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as file:
        for name, data in sorted(members.items()):
            about = zipfile.ZipInfo(name)  # dated 1980-01-01, the earliest a ZIP can say
            about.create_system, about.external_attr = 3, 0o600 << 16  # the same file from every operating system
            file.writestr(about, data)
    return out.getvalue()
