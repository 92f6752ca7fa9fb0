"""The publisher beside a journal that cannot be read for a while: it waits, and says so once."""

import asyncio
import sqlite3

import pytest
from plant_in_memory import SITE, T0, Site
from test_agent_publish import GATEWAY, Client

from agent.publish import Publisher


@pytest.mark.parametrize(("error", "survived"), [("full", True), ("corrupt", True), ("busy", False)])
async def test_a_journal_that_cannot_be_read_now_is_read_again_later(tmp_path, monkeypatch, caplog, error, survived):
    site = Site.at(tmp_path)
    site.start(0)
    publisher = Publisher(Client(), (SITE, "edge-1"), (GATEWAY.public_key(),), site.journal)
    made = {
        "full": sqlite3.OperationalError("database or disk is full"),
        "corrupt": sqlite3.DatabaseError("database disk image is malformed"),
        "busy": sqlite3.OperationalError("database is locked"),
    }[error]
    codes = {"full": sqlite3.SQLITE_FULL, "corrupt": sqlite3.SQLITE_CORRUPT, "busy": sqlite3.SQLITE_BUSY}
    made.sqlite_errorcode = codes[error]
    tried = []

    def unreadable(*_):
        tried.append(1)
        raise made

    monkeypatch.setattr(type(site.journal), "after", unreadable)
    monkeypatch.setattr("agent.publish.PAUSE_S", 0)
    running = asyncio.create_task(publisher.run(lambda: T0))
    for _ in range(200):
        await asyncio.sleep(0.01 if len(tried) < 3 and not running.done() else 0)
    assert running.done() != survived
    if survived:
        assert [line for line in caplog.messages if "tried again" in line] == [f"journal: {made}: tried again"]
        monkeypatch.undo()
        for _ in range(200):
            await asyncio.sleep(0 if publisher._client.sent else 0.01)
        assert publisher._client.entries()
        running.cancel()
    else:
        assert running.exception() is made
    site.stop()
