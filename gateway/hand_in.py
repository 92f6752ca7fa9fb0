"""How a command gets a filing into the ledger, whether or not a gateway runs.

In: a gateway's configuration and a filing. Out: one line that says what became of it. No gateway runs: this process
takes the lock and works the spool off itself. One runs: it takes the file up, and this process waits a little for that.
"""

import time
from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel

from gateway import spool
from gateway.config import Config
from gateway.errors import Busy
from gateway.ledger import Ledger
from gateway.opening import open_sequencer
from gateway.preflight import Prepared
from gateway.spool_kinds import KINDS

WAIT_S, LOOK_S = 10.0, 0.1

Pause = Callable[[float], object]


def hand_in(
    path: Path, config: Config, prepared: Prepared, kind: str, says: BaseModel, pause: Pause = time.sleep
) -> str:
    """File one thing; `path` is the configuration's own.

    Raises ValueError with the reason if it is refused, Stopped if the ledger cannot be written: nothing is left then.
    """
    of = config.gateway
    Ledger.open(of.database_url, of.site).close()  # a ledger that is not there is not made
    left = spool.leave(of.data, kind, says, time.time_ns())
    try:
        ledger, sequencer = open_sequencer(path, config, prepared, time.time_ns, lambda _entries, _at_ns: None)
    except Busy:
        return _awaited(left, pause)
    except BaseException:
        left.unlink(missing_ok=True)
        raise
    try:
        for _ in spool.work_off(of.data, KINDS, ledger, sequencer.seal):
            pass
        return _told(left, f"entry {ledger.size - 1} of the ledger")
    finally:
        ledger.close()


def _awaited(left: Path, pause: Pause) -> str:
    for _ in range(round(WAIT_S / LOOK_S)):
        if not left.exists():
            return _told(left, "taken up by the running gateway")
        pause(LOOK_S)
    return f"left for the gateway that holds the ledger, which has not taken it up yet: {left}"


def _told(left: Path, done: str) -> str:
    if reason := spool.refusal(left):
        raise ValueError(reason)
    return done
