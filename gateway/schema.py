"""The ledger's tables, for SQLite and PostgreSQL alike.

Entries and checkpoints can be added but not changed or deleted: triggers refuse it, whoever asks. Everything in
`entries` beside `message` is an index over those bytes; `signed`, too, stands in it, so that the tree can be grown anew
without unpacking anything.
"""

from sqlalchemy import (
    DDL,
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    event,
)

METADATA = MetaData()
_INTEGER = BigInteger().with_variant(Integer, "sqlite")  # SQLite's integers have 64 bits; only INTEGER is its row id

ENTRIES = Table(
    "entries",
    METADATA,
    Column("index", _INTEGER, primary_key=True, autoincrement=False),
    Column("author", String(64), nullable=False),
    Column("epoch", LargeBinary(16), nullable=False),
    Column("seq", _INTEGER, nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
    Column("type", String(64), nullable=False),
    Column("from_ns", _INTEGER, nullable=False),
    Column("to_ns", _INTEGER, nullable=False),
    Column("admitted_ns", _INTEGER, nullable=False),
    Column("flags", Text, nullable=False),  # words, a space between
    Column("signed", LargeBinary, nullable=False),
    Column("message", LargeBinary, nullable=False),  # as it came: one zstd frame of [signed, body]
    UniqueConstraint("author", "epoch", "seq"),
    Index("entries_by_time", "type", "to_ns"),
)

CHECKPOINTS = Table(
    "checkpoints",
    METADATA,
    Column("size", _INTEGER, primary_key=True, autoincrement=False),
    Column("root", LargeBinary(32), nullable=False),
    Column("at_ns", _INTEGER, nullable=False),
    Column("note", Text, nullable=False),
)

# What was not admitted. `epoch` to `signed` are set where the author's own signed words were refused; those stay.
REFUSALS = Table(
    "refusals",
    METADATA,
    Column("id", _INTEGER, primary_key=True),
    Column("author", String(64), nullable=False),
    Column("verdict", String(64), nullable=False),
    Column("message_hash", LargeBinary(32), nullable=False),
    Column("reason", Text, nullable=False),
    Column("first_ns", _INTEGER, nullable=False),
    Column("last_ns", _INTEGER, nullable=False),
    Column("count", _INTEGER, nullable=False),
    Column("epoch", LargeBinary(16)),
    Column("seq", _INTEGER),
    Column("hash", LargeBinary(32)),
    Column("signed", LargeBinary),
    UniqueConstraint("author", "verdict", "message_hash"),
)

# The last receipt of every agent, as it was sent.
RECEIPTS = Table(
    "receipts",
    METADATA,
    Column("author", String(64), primary_key=True),
    Column("at_ns", _INTEGER, nullable=False),
    Column("signed", LargeBinary, nullable=False),
)

_SQLITE = """
CREATE TRIGGER %(table)s_no_update BEFORE UPDATE ON %(table)s
BEGIN SELECT RAISE(ABORT, '%(table)s are never changed'); END
"""
_SQLITE_DELETE = _SQLITE.replace("UPDATE", "DELETE").replace("update", "delete")
_POSTGRESQL_FUNCTION = """
CREATE OR REPLACE FUNCTION %(table)s_refuse() RETURNS trigger LANGUAGE plpgsql AS
$$BEGIN RAISE EXCEPTION '%(table)s are never changed'; END$$
"""
_POSTGRESQL_TRIGGER = """
CREATE TRIGGER %(table)s_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON %(table)s
FOR EACH STATEMENT EXECUTE FUNCTION %(table)s_refuse()
"""
_DIALECTS = {
    "sqlite": (_SQLITE, _SQLITE_DELETE),
    "postgresql": (_POSTGRESQL_FUNCTION, _POSTGRESQL_TRIGGER),
}

for _table in (ENTRIES, CHECKPOINTS):
    for _dialect, _statements in _DIALECTS.items():
        for _statement in _statements:
            _ddl = DDL(_statement)  # type: ignore[no-untyped-call] # SQLAlchemy leaves it untyped
            event.listen(_table, "after_create", _ddl.execute_if(dialect=_dialect))
