"""Scanning one bus: who counts as a unit, and that nothing but reads goes out, one at a time."""

import time

import pytest
from static_units import Static, golden

from agent.commission.endpoint import wires
from agent.commission.fingerprint import candidates
from agent.commission.scan_bus import NOBODY, Report, Search, scan
from agent.drivers import profiles
from agent.drivers.profile import parse
from simulators.modbus_server import answering, serving

SHIPPED = {name: parse(profiles.load(name)) for name in ("abb-b23", "orno-we514", "eastron-sdm630")}
KNOWN = candidates(SHIPPED)


class Seen:
    """What a scan told, and what the bus saw."""

    def __init__(self):
        self.asked, self.found, self.remarks, self.requests, self.busy = 0, {}, [], [], 0

    def watching(self, answer):
        async def watched(unit, request):
            self.requests.append((unit, request[0]))
            assert self.busy == 0, "two requests at once"
            self.busy += 1
            try:
                return await answer(unit, request)
            finally:
                self.busy -= 1

        return watched

    def _asked(self, count):
        self.asked += count

    def _found(self, one):
        self.found[one.unit] = one

    @property
    def report(self):
        return Report(self._asked, self._found, self.remarks.append)


async def scanned(answer, units, scheme="tcp", *, thorough=False, known=KNOWN):
    seen = Seen()
    search = Search(tuple(units), known, frozenset(SHIPPED), 150, 0, thorough)
    async with serving("rtu" if scheme == "rtu+tcp" else "tcp", seen.watching(answer), 0) as port:
        prefix = f"{scheme}://" if scheme else ""
        (wire,) = wires(f"{prefix}127.0.0.1:{port}", [9600], ["N"])
        await scan(wire, search, time.time_ns, seen.report)
    return seen


@pytest.mark.parametrize("scheme", ["tcp", "rtu+tcp"])
async def test_units_are_found_and_named_by_reads_alone(scheme):
    units = {2: golden("abb-b23"), 5: golden("orno-we514"), 6: Static({})}
    seen = await scanned(answering(units, time.time_ns), range(1, 8), scheme)
    assert {unit: one.verdict.profiles for unit, one in seen.found.items()} == {
        2: ("abb-b23",),
        5: ("orno-we514",),
        6: (),  # answers with nothing but exceptions, which is an answer
    }
    assert seen.asked == 7
    assert {function for _, function in seen.requests} <= {1, 2, 3, 4}
    assert {settings["kind"] for settings in (one.settings for one in seen.found.values())} == {
        "tcp" if scheme == "tcp" else "rtu_over_tcp"
    }


async def test_without_a_scheme_the_framing_is_found_out():
    async with serving("rtu", answering({1: golden("abb-b23")}, time.time_ns), 0) as port:
        seen = Seen()
        (wire,) = wires(f"127.0.0.1:{port}", [9600], ["N"])
        search = Search((1, 2), KNOWN, frozenset(SHIPPED), 150, 0, thorough=False)
        await scan(wire, search, time.time_ns, seen.report)
    assert seen.found[1].settings["kind"] == "rtu_over_tcp"
    assert seen.found[1].verdict.profiles == ("abb-b23",)
    assert seen.asked == 4
    assert seen.remarks == []


async def test_a_meter_that_ignores_the_unit_id_is_one_meter():
    unit = golden("abb-b23").with_words("holding", 0, 1)

    async def anyone(_unit, request):
        return await answering({1: unit}, time.time_ns)(1, request)

    seen = await scanned(anyone, range(1, 31))
    assert list(seen.found) == [1]
    assert seen.found[1].verdict.profiles == ("abb-b23",)
    assert seen.asked == 30
    assert "answers to every unit id" in seen.remarks[0]


async def test_a_gateway_that_answers_for_those_who_are_not_there_invents_none():
    present = answering({4: golden("abb-b23").with_words("holding", 0, 1)}, time.time_ns)

    async def gateway(unit, request):
        return await present(unit, request) or bytes([request[0] | 0x80, 4])

    seen = await scanned(gateway, range(1, 10))
    assert list(seen.found) == [4]
    assert NOBODY in {unit for unit, _ in seen.requests}


@pytest.mark.parametrize("code", [10, 11])
async def test_a_gateway_that_says_nobody_is_there_is_believed(code):
    async def gateway(_unit, request):
        return bytes([request[0] | 0x80, code])

    seen = await scanned(gateway, [1, 2])
    assert seen.found == {}
    assert "nothing answers" in seen.remarks[0]


async def test_a_unit_silent_to_one_function_is_found_when_thorough():
    async def input_only(unit, request):
        return await answering({1: Static({"input": {0: 7}})}, time.time_ns)(unit, request) if request[0] == 4 else None

    assert not (await scanned(input_only, [1, 2], "rtu+tcp", known=())).found
    assert list((await scanned(input_only, [1, 2], "rtu+tcp", thorough=True, known=())).found) == [1]


async def test_a_serial_line_has_no_unit_0_and_none_above_247():
    seen = await scanned(answering({}, time.time_ns), [0, 1, 248], "rtu+tcp")
    assert {unit for unit, _ in seen.requests} == {1}
    assert seen.asked == 3


async def test_nobody_to_connect_to_is_an_error_at_once():
    async with serving("tcp", answering({}, time.time_ns), 0) as port:
        pass
    search = Search(tuple(range(1, 248)), KNOWN, frozenset(SHIPPED), 150, 0, thorough=False)
    (wire,) = wires(f"tcp://127.0.0.1:{port}", [9600], ["N"])
    with pytest.raises(OSError, match="refused|failed"):
        await scan(wire, search, time.time_ns, Seen().report)


async def test_a_meter_that_is_busy_is_asked_again():
    calm = answering({3: golden("abb-b23")}, time.time_ns)
    seen_once = set()

    async def busy_first(unit, request):
        if unit == 3 and request not in seen_once:
            seen_once.add(request)
            return bytes([request[0] | 0x80, 6])
        return await calm(unit, request)

    seen = await scanned(busy_first, [3])
    assert seen.found[3].verdict.profiles == ("abb-b23",)


async def test_a_unit_that_hardly_answers_is_told_from_one_that_nobody_knows():
    async def busy(unit, request):
        return bytes([request[0] | 0x80, 6]) if unit == 3 else None

    seen = await scanned(busy, [3])
    assert seen.found[3].verdict.certainty == "unknown"
    assert "got no usable answer: scan again with a larger --timeout-ms" in seen.found[3].verdict.why[-1]
    refused = await scanned(answering({3: Static({})}, time.time_ns), [3])
    assert refused.found[3].verdict.why == ("no profile that ships makes sense of its registers",)
