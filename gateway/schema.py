"""The ledger's tables, for SQLite and PostgreSQL alike.

Entries and checkpoints can be added but not changed or deleted: triggers refuse it, whoever asks. Everything in
`entries` beside `message` is an index over those bytes; `signed`, too, stands in it, so that the tree can be grown anew
without unpacking anything.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
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

_NEVER = "%(table)s are never changed"
_SQLITE = {
    "no_update": f"BEFORE UPDATE ON %(table)s BEGIN SELECT RAISE(ABORT, '{_NEVER}'); END",
    "no_delete": f"BEFORE DELETE ON %(table)s BEGIN SELECT RAISE(ABORT, '{_NEVER}'); END",
    # INSERT OR REPLACE deletes what stands in its way without asking the trigger above
    "no_replace": f"BEFORE INSERT ON %(table)s WHEN %(taken)s BEGIN SELECT RAISE(ABORT, '{_NEVER}'); END",
}
_TAKEN = {
    ENTRIES: """EXISTS (SELECT 1 FROM entries WHERE "index" = NEW."index")
        OR EXISTS (SELECT 1 FROM entries WHERE author = NEW.author AND epoch = NEW.epoch AND seq = NEW.seq)""",
    CHECKPOINTS: "EXISTS (SELECT 1 FROM checkpoints WHERE size = NEW.size)",
}
_POSTGRESQL_FUNCTION = f"""
CREATE OR REPLACE FUNCTION %(table)s_refuse() RETURNS trigger LANGUAGE plpgsql AS
$$BEGIN RAISE EXCEPTION '{_NEVER}'; END$$
"""
_POSTGRESQL = """BEFORE UPDATE OR DELETE OR TRUNCATE ON %(table)s
FOR EACH STATEMENT EXECUTE FUNCTION %(table)s_refuse()
"""
_POSTGRESQL_ENABLED = """
SELECT tgname FROM pg_trigger
WHERE tgenabled IN ('O', 'A') AND tgrelid IN (to_regclass('entries'), to_regclass('checkpoints'))
"""


def create(connection: Connection) -> None:
    """Make the tables and triggers that are not there yet."""
    METADATA.create_all(connection)
    for name, statements in _triggers(connection).items():
        if name in missing(connection):
            for statement in statements:
                connection.exec_driver_sql(statement)
    connection.commit()


def missing(connection: Connection) -> list[str]:
    """The triggers that are not in force."""
    sqlite = connection.dialect.name == "sqlite"
    asked = "SELECT name FROM sqlite_master WHERE type = 'trigger'" if sqlite else _POSTGRESQL_ENABLED
    there = {row[0] for row in connection.exec_driver_sql(asked)}
    return [name for name in _triggers(connection) if name not in there]


def _triggers(connection: Connection) -> dict[str, list[str]]:
    made: dict[str, list[str]] = {}
    for table, taken in _TAKEN.items():
        words = {"table": table.name, "taken": taken}
        if connection.dialect.name == "sqlite":
            for name, rule in _SQLITE.items():
                made[f"{table.name}_{name}"] = [f"CREATE TRIGGER {table.name}_{name} {rule % words}"]
        else:
            name = f"{table.name}_no_change"
            made[name] = [
                _POSTGRESQL_FUNCTION % words,
                f"DROP TRIGGER IF EXISTS {name} ON {table.name}",
                f"CREATE TRIGGER {name} {_POSTGRESQL % words}",
            ]
    return made
