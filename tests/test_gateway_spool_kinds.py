"""Every kind that may be filed is strict, and becomes an entry of a type the gateway writes."""

from contract.entry import GATEWAY_TYPES
from gateway.spool_kinds import KINDS


def test_kinds_are_strict_and_become_known_entries():
    for kind in KINDS.values():
        assert kind.type in GATEWAY_TYPES
        assert kind.says.model_config["extra"] == "forbid"
        assert kind.says.model_config["strict"]
