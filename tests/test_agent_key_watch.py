"""A key that may go and come back: told once each time, and a key from a file is never tried."""

import logging

from agent.key_watch import KeyWatch
from contract import keys


class Sometimes:
    """A key that signs while it is there."""

    def __init__(self) -> None:
        self.key, self.there, self.tried = keys.generate(), True, 0

    def public_key(self):
        return self.key.public_key()

    def sign(self, data, /):
        self.tried += 1
        if not self.there:
            raise keys.Unavailable("plant: DeviceRemoved")
        return self.key.sign(data)


def test_going_and_coming_back_are_told_once(caplog):
    caplog.set_level(logging.INFO)
    watch, key, seen = KeyWatch(), Sometimes(), []
    for there in (True, False, False, True, True, False):
        key.there = there
        seen.append(watch.is_there(key))
    assert seen == [True, False, False, True, True, False]
    gone, back = (
        "agent.token: plant: DeviceRemoved: readings are kept, and sealed when it is back",
        "agent.token: there again",
    )
    assert caplog.messages == [gone, back, gone]


def test_a_key_from_a_file_is_there():
    for algorithm in (keys.EDDSA, keys.ES256):
        assert KeyWatch().is_there(keys.generate(algorithm))
