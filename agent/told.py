"""What is told about a meter, in words: its events for the log, and the status codes of its readings.

In: events, scans, status codes. Out: text. Pure. An event is on record whether it is told or not.
"""

from collections.abc import Sequence

from agent.drivers import (
    BAD_COMMUNICATION_ERROR,
    BAD_DATA_UNAVAILABLE,
    BAD_DECODING_ERROR,
    BAD_DEVICE_FAILURE,
    BAD_NO_DATA,
    BAD_NODE_ID_UNKNOWN,
    BAD_NOT_CONNECTED,
    BAD_OUT_OF_RANGE,
    BAD_TIMEOUT,
    BAD_TYPE_MISMATCH,
    GOOD,
    Scan,
    is_bad,
)
from contract.problems import one_line
from contract.records import EventPart

# The status codes our drivers give, in words.
WORDS = {
    GOOD: "good",
    BAD_COMMUNICATION_ERROR: "connection broke",
    BAD_DATA_UNAVAILABLE: "its parts do not belong together",
    BAD_DECODING_ERROR: "answer does not fit the request or the type",
    BAD_DEVICE_FAILURE: "device busy or broken",
    BAD_NODE_ID_UNKNOWN: "no such tag",
    BAD_NOT_CONNECTED: "not asked: no connection",
    BAD_NO_DATA: "meter says: no value",
    BAD_OUT_OF_RANGE: "refused: no such register",
    BAD_TIMEOUT: "no answer in time",
    BAD_TYPE_MISMATCH: "tag has another type",
}
# What to do about an event.
HINTS = {
    "registers_refused": "are profile and base this meter's? `metertrail probe` shows all that it refuses",
    "transaction_id_ignored": "it is treated like RTU",
    "node_missing": "correct the node in the profile, or load the program that has it",
    "unit_mismatch": "the tag has no value until one of them is corrected",
    "meter_is_another": "no energy is computed across; after an exchange enter the new serial and what was noted",
    "ratio_changed": "no energy is computed across; is it set as it should be?",
    "ratio_unexpected": "correct ct or pt, or the ratio set in the meter",
    "queue_overflow": "give a larger queue_size, or a shorter publishing_ms",
    "not_subscribed": "it is read all the same",
    "subscription_stale": "it is made anew",
    "backfill_failed": "the outage stays empty",
    "message_refused": "it changes nothing; how it begins stands in the record",
    "messages_refused": "look at who sends to this topic",
    "messages_lost": "look at who sends to this topic",
    "slots_missed": "too much is wanted of this bus: read less, or less often",
}
LONG = {"payload"}  # on record, too long for a line
UNTOLD = {"certificate_made", "certificate_expires"}  # the session tells them itself, with more


def event(told: EventPart) -> str | None:
    """One line for the log; None for what is told elsewhere."""
    if told.event in UNTOLD:
        return None
    name = "bus" if told.event == "slots_missed" else "meter"
    details = "".join(f" {key}={value}" for key, value in told.detail.items() if key not in LONG)
    hint = f": {HINTS[told.event]}" if told.event in HINTS else ""
    return one_line(f"{name}={told.about} {told.event}{details}{hint}")


def advised(why: str, silence: str) -> str:
    """Why a meter cannot be read, and what to do: `silence` if it does not answer; some reasons say it themselves."""
    if any(word in why for word in ("certificate", "opened", "the port", "check ")):
        return why
    if "no connection" in why:
        return f"{why}: check address, port and cable"
    return f"{why}: {silence}"


def quality(status: int) -> str:
    """A status in words; codes no driver of ours gives, as OPC UA writes them."""
    if status in WORDS:
        return WORDS[status]
    return f"{'bad' if is_bad(status) else 'uncertain' if status >> 30 else 'good'} {status:#010x}"


def valueless(scans: Sequence[Scan]) -> str | None:
    """Why none of the readings has a value; None if one has, or if there are none."""
    statuses = [reading.status for scan in scans for reading in scan.readings]
    if not statuses or not all(is_bad(status) for status in statuses):
        return None
    return ", ".join(dict.fromkeys(quality(status) for status in statuses))
