"""Ways in which a file comes to harm, and a gateway that takes what a journal has to send, void by void."""

import random
import shutil

from contract import body, chain, entry, records
from contract.void_records import VoidPart

PLACES = ("head", "middle", "tail")
BYTES = 512


def _at(place, size):
    return {"head": 0, "middle": max(0, size // 2 - BYTES // 2), "tail": max(0, size - BYTES)}[place]


def flip(data, at):
    return bytes(byte ^ 0x55 for byte in data[at : at + BYTES])


def zero(data, at):
    return bytes(len(data[at : at + BYTES]))


def junk(data, at):
    return random.Random(at).randbytes(len(data[at : at + BYTES]))


def one_bit(data, at):
    if not data:
        return data
    middle = min(len(data) - 1, at + BYTES // 2)
    return data[at:middle] + bytes([data[middle] ^ 0x10]) + data[middle + 1 : at + BYTES]


PATCHES = {"flip": flip, "zero": zero, "junk": junk, "one_bit": one_bit}
IN_PLACES = [(kind, place) for kind in (*PATCHES, "cut") for place in PLACES]
WHOLE = [(kind, "") for kind in ("empty", "junk_whole", "directory", "missing", "dangling", "unreadable")]


def harm(path, kind, place):
    """Damage one file."""
    data = path.read_bytes()
    at = _at(place, len(data)) if place else 0
    if kind in PATCHES:
        path.write_bytes(data[:at] + PATCHES[kind](data, at) + data[at + BYTES :])
    elif kind == "cut":
        path.write_bytes(data[:at])
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "junk_whole":
        path.write_bytes(random.Random(1).randbytes(len(data)))
    elif kind == "unreadable":
        path.chmod(0)
    else:
        path.unlink()
        if kind == "directory":
            path.mkdir()
            (path / "inside").write_text("somebody's")
        elif kind == "dangling":
            path.symlink_to("nowhere")


def copied(folder, to):
    """All that is on disk now."""
    shutil.copytree(folder, to)
    return to


def voids(stored):
    """The ranges of an entry of type void."""
    return [records.read(part, VoidPart) for part in body.unpack(stored.sealed.body).parts]


class Gateway:
    """Admits in order, links by hash, and passes over what is declared lost: what the contract says, section 7."""

    def __init__(self):
        self.heads, self.admitted, self.lost = {}, {}, []

    def reached(self):
        return {epoch: head.seq for epoch, head in self.heads.items()}

    def take(self, journal, window=7):
        """Everything that can be delivered; how many came."""
        before = len(self.admitted)
        while sent := journal.after(self.reached(), window):
            for stored in sent:
                self.admit(stored)
        return len(self.admitted) - before

    def admit(self, stored):
        header = entry.read(stored.sealed.signed).header
        assert chain.break_before(self.heads.get(header.epoch), header) is None
        self.heads[header.epoch] = chain.Head(header.epoch, header.seq, stored.sealed.hash)
        self.admitted[header.epoch, header.seq] = stored.sealed.hash
        if header.type == "void":
            self.lost += [part for part in voids(stored) if part.last_hash is not None]
        for part in sorted(self.lost, key=lambda part: part.first):
            head = self.heads.get(part.epoch)
            if part.first - 1 <= (-1 if head is None else head.seq) < part.last:
                self.heads[part.epoch] = chain.Head(part.epoch, part.last, part.last_hash)
