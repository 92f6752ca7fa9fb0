"""Opening a ledger to write it: the same steps whether the gateway starts, starts after a crash, or only exports.

In: a configuration and its files. Out: an open ledger and its sequencer, after the gateway's own entries of this start.
Raises Stopped where the ledger, its lock or its key does not allow it.
"""

from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from gateway import own_chain
from gateway.config import Config
from gateway.ledger import Ledger
from gateway.preflight import Prepared
from gateway.sequencer import OnAdmitted, Sequencer
from gateway.trust import GATEWAY


def open_sequencer(
    path: Path, config: Config, prepared: Prepared, now_ns: Callable[[], int], on_admitted: OnAdmitted
) -> tuple[Ledger, Sequencer]:
    """Open the ledger; `path` is the configuration's own. The caller closes the ledger."""
    of = config.gateway
    ledger = Ledger.open(of.database_url, of.site, prepared.ledger_key, of.checkpoint_file)
    try:
        sequencer = Sequencer(ledger, prepared.key, now_ns, on_admitted)
        own_chain.check_key(sequencer.trust, prepared)
        own_chain.begin(sequencer.seal, sequencer.parent, path.read_bytes(), software(), now_ns())
        own_chain.state_files(sequencer.seal, ledger, sequencer.trust, prepared)
    except BaseException:
        ledger.close()
        raise
    sequencer.trust.revoked |= sequencer.trust.standings.keys() - prepared.agent_keys.keys() - {GATEWAY}
    return ledger, sequencer


def software() -> str:
    """What this is, as entries name it."""
    try:
        return f"metertrail {version('metertrail')}"
    except PackageNotFoundError:
        return "metertrail"
