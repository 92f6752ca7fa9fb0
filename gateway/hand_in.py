"""How a command gets a filing into the ledger, whether or not a gateway runs.

In: a gateway's configuration and a filing. Out: one line that says what became of it. No gateway runs: this process
takes the lock and works the spool off itself. One runs: it takes the file up, and this process waits a little for that.
"""

import time
from collections.abc import Callable, Sequence
from functools import partial
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
TAKEN = "taken up by the running gateway"

Pause = Callable[[float], object]
Told = Callable[[], str]  # what became of a filing; raises ValueError with the reason if it was refused


def hand_in(
    path: Path,
    config: Config,
    prepared: Prepared,
    kind: str,
    says: BaseModel,
    pause: Pause = time.sleep,
    changing: str | None = None,
) -> str:
    """File one thing; `path` is the configuration's own, `changing` the agent whose new key is filed.

    Raises ValueError with the reason if it is refused, Stopped if the ledger cannot be written: nothing is left then.
    """
    return hand_in_all(path, config, prepared, kind, [says], pause, changing)[0]()


def hand_in_all(
    path: Path,
    config: Config,
    prepared: Prepared,
    kind: str,
    says: Sequence[BaseModel],
    pause: Pause = time.sleep,
    changing: str | None = None,
) -> list[Told]:
    """File several things of a kind at once; each is told for itself. Raises Stopped as `hand_in` does."""
    of = config.gateway
    Ledger.open(of.database_url, of.site).close()  # a ledger that is not there is not made
    left: list[Path] = []
    try:
        left += (spool.leave(of.data, kind, one, time.time_ns()) for one in says)
        ledger, sequencer = open_sequencer(path, config, prepared, time.time_ns, lambda *_: None, changing)
    except Busy:
        return [partial(awaited, one, pause) for one in left]
    except OSError as error:
        _withdraw(left)
        hint = "run this as the gateway's user, and see that its disk has room"
        raise ValueError(f"{error.filename or of.data}: {error.strerror}: {hint}") from None
    except BaseException:
        _withdraw(left)
        raise
    try:
        indexes = {done.name: done.index for done in spool.work_off(of.data, KINDS, ledger, sequencer.seal)}
        # one that is not among them was taken by a gateway that stopped just then
        places = [f"entry {indexes[one.name]} of the ledger" if one.name in indexes else TAKEN for one in left]
        return [partial(_told, *both) for both in zip(left, places, strict=True)]
    finally:
        ledger.close()


def _withdraw(left: Sequence[Path]) -> None:
    for one in left:
        one.unlink(missing_ok=True)


def awaited(left: Path, pause: Pause = time.sleep) -> str:
    """What the running gateway made of a filing. Raises ValueError with the reason if it refused it."""
    for _ in range(round(WAIT_S / LOOK_S)):
        if not left.exists():
            return _told(left, TAKEN)
        pause(LOOK_S)
    return f"left for the gateway that holds the ledger, which has not taken it up yet: {left}"


def _told(left: Path, done: str) -> str:
    if reason := spool.refusal(left):
        raise ValueError(reason)
    return done
