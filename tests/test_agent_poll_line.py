"""A serial line of ten meters behind a converter, one of them dead: real driver, real frames, virtual time."""

import asyncio

from plant_in_memory import METER_PROFILE

from agent.bus import Bus
from agent.drivers import Target, modbus
from agent.drivers.profile import parse
from agent.load import Load
from agent.poll import Inbox, Rota, poll
from agent.schedule import NS, Polled
from simulators import virtual
from simulators.modbus_server import answering, serving

PROFILE = parse(METER_PROFILE.encode())
UNITS = range(1, 11)
DEAD, DIES_S, ENDS_S = 4, 30, 1230


class Unit:
    """Registers that count up."""

    def words(self, _table, address, count, _at_ns):
        return list(range(address, address + count))


def test_twenty_minutes_with_one_of_ten_dead_cost_the_others_no_slot():
    asked = []

    async def main():
        loop = asyncio.get_running_loop()
        healthy = answering({unit: Unit() for unit in UNITS}, loop.now_ns)

        async def answer(unit, request):
            if unit == DEAD and loop.time() >= DIES_S:
                asked.append(loop.time())
                return None
            return await healthy(unit, request)

        async with serving("rtu", answer, 0, baud=19200) as port:
            settings = modbus.Bus(kind="rtu_over_tcp", host="127.0.0.1", port=port, timeout_ms=300)
            targets = {f"m{unit}": Target(unit, PROFILE) for unit in UNITS}
            inbox, meters = Inbox(), [Polled(name, NS) for name in targets]
            bus = Bus(modbus.open_driver(settings, targets, loop.now_ns, inbox.tell))
            rota = Rota(Load("serial", 0), meters, {}, 900 * NS)
            task = asyncio.create_task(poll(bus, rota, inbox, loop.now_ns))
            await asyncio.sleep(ENDS_S + 0.9)
            rota.stop()
            await task
            await bus.close()
        return inbox, rota

    inbox, rota = virtual.run(main())
    slots = {meter.name: [] for meter in rota.meters}
    for meter, scan in inbox.scans:
        if scan.block == 0:
            slots[meter].append(scan.requested_ns // NS)
    dead = slots.pop(f"m{DEAD}")
    for found in slots.values():
        assert found == list(range(found[0], ENDS_S + 1))
        assert found[0] <= 3  # a converter is listened to before it is asked for the first time
    assert max(dead) < DIES_S
    assert (rota.load.missed, len(slots)) == (0, 9)
    assert len(asked) <= 2 + 6 + ENDS_S // 60  # its last slot, pauses of 1 to 32 s, one a minute
    assert [event.about for event in inbox.events if event.event == "meter_lost"] == [f"m{DEAD}"]
