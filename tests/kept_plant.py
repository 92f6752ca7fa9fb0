"""A plant whose recorder is kept by a keeper, without sockets; time is the number of rounds, as in plant_in_memory."""

from itertools import count

from damage import voids
from plant_in_memory import CLOCK, KEY, SITE, S, Site, at_ns, round_of

from agent.batches import Source
from agent.journal import Journal
from agent.keeper import Keeper
from agent.recorder import Recorder, Settings
from agent.retention import DAY_NS
from agent.room import Room
from contract import body, records, segment
from contract.records import EventPart
from contract.writer import Writer

DAY = 86_400
KIB = 1024


class Yard:
    """A plant whose recorder is kept; time is the plant's number of rounds."""

    def __init__(self, folder, reserve_bytes=0, days=2, bytes_max=None, plan=None, epochs=None):
        site = Site.at(folder.parent / "site") if plan is None else None
        self.plan, self.folder = plan or site.plan, folder
        self.epochs = epochs or count(1)
        self.journal = Journal(folder)
        self.room = Room(folder, bytes_max, reserve_bytes)
        self.keeper = Keeper(self.journal, self.room, days * DAY_NS, self.settings(), self.begun)

    def settings(self):
        config = self.plan.config
        return Settings(self.plan.meters, config.line, bytes(32), 5 * S, 10 * S, config.calendar)

    def begun(self, settings, checkpoint, now_ns):
        fresh = (number.to_bytes(32, "big") for number in self.epochs)
        writer = Writer(SITE, "edge-1", KEY, next(fresh)[16:])
        recorder = Recorder(self.journal, writer, settings, lambda: CLOCK, lambda size: next(fresh)[-size:])
        recorder.checkpoint = checkpoint
        recorder.open(now_ns)
        return recorder

    def take(self, k, batch=None):
        points = {p.id: p for plan in self.plan.meters if plan.meter.name == "press-plc" for p in plan.profile.points}
        self.keeper.take(round_of(k, batch), [], {"press": Source(0, None, points)}, at_ns(k) + S * 9 // 10)

    def run(self, first, last, batch=None):
        for k in range(first, last):
            self.take(k, batch)

    def confirm(self):
        """As if all had come to the gateway."""
        heads = {}
        for extent in self.journal.extents():
            heads[extent.epoch] = extent.last
        self.journal.confirm(heads)

    def days(self):
        return sorted(path.name for path in self.folder.glob("2023-*.db"))

    def of(self, kind, form):
        return [records.read(p, form) for e in self.journal.since(0, kind) for p in body.unpack(e.sealed.body).parts]

    def events(self, name):
        return [event for event in self.of("event", EventPart) if event.event == name]

    def voids(self):
        return [part for stored in self.journal.since(0, "void") for part in voids(stored)]

    def batches(self):
        heads = [body.unpack(stored.sealed.body).parts[0] for stored in self.journal.since(0, "batch")]
        return [records.read(head, records.BatchPart).batch for head in heads]

    def requests(self):
        found = []
        for stored in self.journal.since(0, "segment"):
            for made in map(segment.decode, body.unpack(stored.sealed.body).parts):
                found += [requested for b in made.blocks for requested in b.requested_ns if made.meter == "press"]
        return found


def few_rounds(yard, *days, batch=None):
    for day in days:
        yard.run(day * DAY + 1, day * DAY + 13, batch)
