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
    path: Path,
    config: Config,
    prepared: Prepared,
    now_ns: Callable[[], int],
    on_admitted: OnAdmitted,
    changing: str | None = None,
) -> tuple[Ledger, Sequencer]:
    """Open the ledger; `path` is the configuration's own. The caller closes the ledger.

    `changing` names the agent whose new key the caller is about to state; any other's must be one the ledger knows.
    """
    of, words = config.gateway, path.read_bytes()
    ledger = Ledger.open(of.database_url, of.site, prepared.ledger_key, of.checkpoint_file)
    try:
        sequencer = Sequencer(ledger, prepared.key, now_ns, on_admitted)
        own_chain.check_agents(sequencer.trust, prepared, changing)
        sequencer.sign_with(own_chain.signing_key(sequencer.trust, prepared))
        new = own_chain.next_key(sequencer.trust, prepared)
        own_chain.begin(sequencer.seal, sequencer.parent, words, software(), now_ns())
        own_chain.state_files(sequencer.seal, ledger, sequencer.trust, prepared)
        if new is not None:
            sequencer.rotate(new)
            own_chain.begin(sequencer.seal, sequencer.parent, words, software(), now_ns(), "key rotated")
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
