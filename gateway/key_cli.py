"""`metertrail gateway revoke|reenrol CONFIG AGENT ...`: what became of an agent's key, in the ledger for good.

In: words from the command line. Out: an `enrolment` entry of the gateway's chain, by way of its spool, so that the
gateway may run or not. Exit status: 0 done, 1 refused or the ledger cannot be written, 2 usage or configuration.
"""

import argparse
import sys
import time
from collections.abc import Mapping, Sequence

from pydantic import ValidationError

from contract import keys
from contract.problems import Problems, explain, suggest
from gateway import site_model
from gateway.config import load
from gateway.errors import Stopped
from gateway.export_cli import at_ns
from gateway.hand_in import hand_in
from gateway.key_filing import KINDS
from gateway.preflight import Prepared, prepare

FAILED, USAGE = 1, 2
KIND = {"revoke": "revocation", "reenrol": "reenrolment"}


def run(asked: argparse.Namespace) -> int:
    """File what was said and return the exit status."""
    kind = KIND[asked.command]
    says = KINDS[kind].says
    try:
        config = load(asked.config)
        prepared = prepare(config)
        said = {"author": asked.author, "reason": asked.reason, "entered_ns": time.time_ns(), "agent": asked.agent}
        filing = says.model_validate({**said, **_about(asked, prepared)})
    except Problems as found:
        return _refuse(found.lines, USAGE)
    except ValidationError as error:
        return _refuse(explain(error, says), USAGE)
    except ValueError as error:
        return _refuse([str(error)], USAGE)
    changing = asked.agent if asked.command == "reenrol" else None
    try:
        told = hand_in(asked.config, config, prepared, kind, filing, changing=changing)
    except (Stopped, OSError, ValueError) as error:
        return _refuse(str(error).splitlines(), FAILED)
    sys.stdout.write(f"{kind}: {told}\n")
    return 0


def _about(asked: argparse.Namespace, prepared: Prepared) -> Mapping[str, object]:
    """Which key, and for a revocation since when."""
    if asked.command == "revoke":
        try:
            since_ns = at_ns(asked.since, site_model.parse(prepared.site).local)
        except (ValueError, OverflowError) as error:
            raise ValueError(f"--since: {error}") from None
        return {"key": asked.key.lower(), "since_ns": since_ns}
    key = prepared.agent_keys.get(asked.agent)
    if key is None:
        raise ValueError(
            f"{asked.config}: no [[agent]] is named {asked.agent!r}: {suggest(asked.agent, prepared.agent_keys)}"
        )
    return {"key": keys.cose_key(key).hex()}


def _refuse(lines: Sequence[str], status: int) -> int:
    sys.stderr.writelines(f"{line}\n" for line in lines)
    return status
