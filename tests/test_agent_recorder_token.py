"""A key that is gone for a while: readings stay durable, and are sealed once, in order, when it is back."""

import logging

from plant_in_memory import KEY, Site, at_ns, round_of

from contract import keys


class Pluggable:
    """A token's key that can be taken out."""

    def __init__(self):
        self.there = True

    def public_key(self):
        return KEY.public_key()

    def sign(self, data, /):
        if not self.there:
            raise keys.Unavailable("plant: taken out")
        return KEY.sign(data)


def test_nothing_is_lost_while_the_key_is_gone(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    site = Site.at(tmp_path / "plant")
    site.key = Pluggable()
    site.start(0)
    batches = {k: "A" if 3 <= k < 12 else "B" if 12 <= k < 30 else None for k in range(1, 60)}
    for k in range(1, 60):
        site.key.there = not 10 <= k < 40
        site.take(k, round_of(k, batches[k]))
        if k == 39:
            sealed = site.history().requests()
            left = site.journal.left().rows
            assert max(at for _, at in sealed) < at_ns(10)
            assert sum(row.kind == "scan" for row in left) >= 2 * 25, "what was read is not on the disk"
    site.recorder.seal(at_ns(60))
    history = site.history()
    requests = history.requests()
    assert set(requests.values()) == {1}
    assert {("press", at_ns(k)) for k in range(1, 60)} <= requests.keys()
    assert [head.batch for head, _ in history.batches()] == ["A", "B"]
    assert history.assert_batches_follow() == 2
    assert [line for line in caplog.messages if "agent.token" in line] == [
        "agent.token: plant: taken out: readings are kept, and sealed when it is back",
        "agent.token: there again",
    ]
    site.stop()
