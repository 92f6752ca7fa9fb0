"""What the parts of entries say: one record per kind, written as a CBOR map with the record's name under `part`.

In and out: records and bytes. Unknown members are kept; a missing or mistyped one is malformed. Segments have a form of
their own (segment.py). Amounts are integers in canonical units: mWh, mW, cm3, mg, J.
"""

from typing import Annotated, Any, Literal, TypeVar

from annotated_types import Ge, Le, Len
from pydantic import BaseModel, Field, ValidationError

from contract import cbor
from contract.budget import Budget, Corrected
from contract.entry import RECORD, Count, Hash, Integer, Listed, Name, Nonce
from contract.error_points import ErrorPoint
from contract.errors import Malformed
from contract.handovers import Handover
from contract.key_records import Custody, Reenrolled
from contract.lots import Lot, LotRef

Text = Annotated[str, Len(0, 1000)]
Positive = Annotated[int, Ge(1), Le(2**63 - 1)]
ToldBy = Literal["packml", "job_order", "counter", "schedule", "message"]
Overlap = Literal["equal", "by_quantity"]
LineState = Literal["produce", "setup", "start_up", "idle", "maintenance", "off"]


class Parent(BaseModel):
    """The entry an epoch follows: the head of the author's chain when it started."""

    model_config = RECORD
    epoch: Nonce
    seq: Count
    hash: Hash


class Author(BaseModel):
    """First part of every manifest: who writes this epoch, after what, and why it began or changed."""

    model_config = RECORD
    part: Literal["author"] = "author"
    parent: Parent | None
    reason: Text
    software: Text
    config_hash: Hash
    started_ns: Integer
    custody: Custody | None = Field(default=None, exclude_if=lambda given: given is None)  # of its key, as it says


class ProfilePart(BaseModel):
    """A profile's file, verbatim: raw words plus these bytes give values."""

    model_config = RECORD
    part: Literal["profile"] = "profile"
    name: Text
    toml: bytes


class Declared(BaseModel):
    """What the site states of a register where the profile does not: step in the point's unit, largest age."""

    model_config = RECORD
    point: Name
    step: Text | None
    age_ns: Count | None
    source: Text


class Transformer(BaseModel):
    """A current or voltage transformer's ratio and class, and since when it is in place where that is known."""

    model_config = RECORD
    primary: Positive
    secondary: Positive
    accuracy_class: Text | None
    valid_from_ns: Integer | None = Field(default=None, exclude_if=lambda given: given is None)
    certificate: Text | None = Field(default=None, exclude_if=lambda given: given is None)  # its number


class Certificate(BaseModel):
    """A calibration or verification certificate: its number and validity, and the meter's errors if it lists them."""

    model_config = RECORD
    number: Text
    body: Text
    valid_from_ns: Integer
    valid_to_ns: Integer
    points: Listed[ErrorPoint] | None = Field(default=None, exclude_if=lambda given: given is None)
    drift_ppm: Count | None = Field(default=None, exclude_if=lambda given: given is None)
    serial: Text | None = Field(default=None, exclude_if=lambda given: given is None)  # of the meter it is for


class MeterPart(BaseModel):
    """One meter as it stands: which instrument, where, by which profile, with which ratios and certificate."""

    model_config = RECORD
    part: Literal["meter"] = "meter"
    meter: Name
    installation: Text
    address: Text
    base: Text
    profile: Hash
    serial: Text
    serial_is: Literal["read", "declared"]
    accuracy_class: Text | None
    ct: Transformer | None
    pt: Transformer | None
    certificate: Certificate | None
    declared: Listed[Declared]
    power_max_w: Count | None  # the most its circuit can carry; a rise beyond it is a jump
    sheet: Hash | None = Field(default=None, exclude_if=lambda given: given is None)  # of its commissioning
    rated_w: Positive | None = Field(default=None, exclude_if=lambda given: given is None)  # at rated current
    handover: Listed[Handover] | None = Field(default=None, exclude_if=lambda given: given is None)  # the one before's


class CounterRef(BaseModel):
    """A counter point of a meter."""

    model_config = RECORD
    meter: Name
    point: Name


class StateWord(BaseModel):
    """What a number of a line's state point means."""

    model_config = RECORD
    number: Integer
    state: LineState


class LinePart(BaseModel):
    """A production line: how its batches are told, and which counters make up its energy, media and output."""

    model_config = RECORD
    part: Literal["line"] = "line"
    line: Name
    source: Name
    edge_time: Literal["source", "observed"]
    energy: Listed[CounterRef]
    good: CounterRef | None
    scrap: CounterRef | None
    media: Listed[CounterRef] | None = Field(default=None, exclude_if=lambda given: given is None)
    told_by: ToldBy | None = Field(default=None, exclude_if=lambda given: given is None)  # left out: by tags
    makes: Text | None = Field(default=None, exclude_if=lambda given: given is None)
    state: Name | None = Field(default=None, exclude_if=lambda given: given is None)
    states: Listed[StateWord] | None = Field(default=None, exclude_if=lambda given: given is None)
    lots: Listed[LotRef] | None = Field(default=None, exclude_if=lambda given: given is None)
    overlap: Overlap | None = Field(default=None, exclude_if=lambda given: given is None)  # left out: one at a time


class Seen(BaseModel):
    """One look at a batch source: asked and answered in agent time, and the source's own time of the value."""

    model_config = RECORD
    requested_ns: Integer
    answered_ns: Integer
    source_ns: Integer | None


class Offset(BaseModel):
    """The source's clock less the agent's, as an interval."""

    model_config = RECORD
    lower_ns: Integer
    upper_ns: Integer


class Edge(BaseModel):
    """When a batch began or ended, as an interval of agent time, and the looks it rests on.

    `lag_ns` is how long the source may take to show a change; `offset` is None where the source's clock was not used.
    `tolerance_ns` is how wrong the clock of a source may be that reports an edge with a time of its own.
    """

    model_config = RECORD
    earliest_ns: Integer
    latest_ns: Integer
    policy: Literal["source", "observed", "reported"]
    lag_ns: Count
    offset: Offset | None
    before: Seen
    after: Seen
    tolerance_ns: Count | None = Field(default=None, exclude_if=lambda given: given is None)


class DeclaredEdge(BaseModel):
    """When a batch began or ended, as somebody says: `at_ns`, give or take `half_width_ns`. No look shows it."""

    model_config = RECORD
    earliest_ns: Integer
    latest_ns: Integer
    policy: Literal["declared"] = "declared"
    at_ns: Integer
    half_width_ns: Count


class ScheduledEdge(BaseModel):
    """When a batch began or ended that is a shift of the site's calendar: an instant, and no look shows it."""

    model_config = RECORD
    earliest_ns: Integer
    latest_ns: Integer
    policy: Literal["schedule"] = "schedule"
    shift: Name
    on: Text  # the date it starts on, YYYY-MM-DD


AnyEdge = Annotated[Edge | DeclaredEdge | ScheduledEdge, Field(discriminator="policy")]


class BatchPart(BaseModel):
    """One production run on a line: the first part of a batch entry, the second of a late batch's."""

    model_config = RECORD
    part: Literal["batch"] = "batch"
    batch: Text
    line: Name
    product: Text
    start: AnyEdge
    end: AnyEdge
    closed: Literal["complete", "incomplete"]
    inputs: Listed[Lot] | None = Field(default=None, exclude_if=lambda given: given is None)
    outputs: Listed[Lot] | None = Field(default=None, exclude_if=lambda given: given is None)
    beside: Listed[Text] | None = Field(default=None, exclude_if=lambda given: given is None)  # ran on when it ended


class AmountPart(BaseModel):
    """One counter's amount over the batch. None where nothing can be claimed; never zero for a missing value."""

    model_config = RECORD
    part: Literal["amount"] = "amount"
    role: Literal["energy", "good", "scrap", "medium"]
    meter: Name
    point: Name
    unit: Literal["wh_milli", "m3_micro", "g_milli", "j", "one_milli"]
    amount: Integer | None
    lower: Integer | None
    upper: Integer | None
    u95: Count | None
    interpolated_ppm: Count
    anomalies: Listed[Text]
    uncertainty: Budget | None = Field(default=None, exclude_if=lambda given: given is None)  # what makes up u95
    corrected: Corrected | None = Field(default=None, exclude_if=lambda given: given is None)  # by the certificate
    by_power: Integer | None = Field(default=None, exclude_if=lambda given: given is None)  # the meter's own power
    by_power_slack: Count | None = Field(default=None, exclude_if=lambda given: given is None)


class EventPart(BaseModel):
    """Something that happened, by name: an edge, a meter lost or back, a counter's anomaly, a clock step."""

    model_config = RECORD
    part: Literal["event"] = "event"
    event: Name
    about: Text
    at_ns: Integer
    detail: dict[str, Any]


class EnrolmentPart(BaseModel):
    """The gateway's statement that an author speaks with this key from here on.

    An author's first key needs no word; another one is there by the `rotation` entry of the author that is named, or
    because the author was `reenrolled`.
    """

    model_config = RECORD
    part: Literal["enrolment"] = "enrolment"
    author: Name
    key: bytes  # deterministic COSE_Key
    key_id: Hash
    rotation: Parent | None = Field(default=None, exclude_if=lambda given: given is None)
    reenrolled: Reenrolled | None = Field(default=None, exclude_if=lambda given: given is None)


class SitePart(BaseModel):
    """The site model's file, verbatim."""

    model_config = RECORD
    part: Literal["site"] = "site"
    toml: bytes


class FactorPart(BaseModel):
    """An emission factor's file, verbatim."""

    model_config = RECORD
    part: Literal["factor"] = "factor"
    toml: bytes


class RunPart(BaseModel):
    """A statement computed from the ledger up to `ledger_size`: canonical JSON, verbatim."""

    model_config = RECORD
    part: Literal["run"] = "run"
    ledger_size: Count
    statement: bytes


Record = TypeVar("Record", bound=BaseModel)


def write(record: BaseModel) -> bytes:
    """Write a record as a part."""
    return cbor.encode(record.model_dump())


def read(data: bytes, kind: type[Record]) -> Record:
    """Read a part as the given kind. Raises Malformed."""
    fields = cbor.decode(data)
    if "part" in kind.model_fields and not (isinstance(fields, dict) and "part" in fields):
        raise Malformed(f"{kind.__name__}: must be a map that names its kind under part")
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        raise Malformed(f"{kind.__name__}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None


def kind_of(data: bytes) -> str | None:
    """The name under `part`, or None if the part does not say."""
    fields = cbor.decode(data)
    return fields.get("part") if isinstance(fields, dict) and isinstance(fields.get("part"), str) else None
