"""Late, doubled, damaged and foreign answers: none is ever taken for another's. In virtual time, over both framings."""

import asyncio
import contextlib

import pytest
from modbus_plant import KINDS, crc16, honest, in_virtual_time, meter_profile, plant, raws, registers, statuses

from agent.drivers import BAD_DECODING_ERROR, BAD_NOT_CONNECTED, GOOD, Target, Unreachable

WRONG = registers(3, 4711, 1)


async def lost(driver, meter="m"):
    with pytest.raises(Unreachable):
        await driver.read(meter)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("after_s", [0.01, 0.1, 0.18])
@in_virtual_time
async def test_a_late_answer_is_not_taken_for_that_of_the_same_request_asked_again(kind, after_s):
    async with plant(kind, {"m": Target(1, meter_profile(100))}, 200, reply=lambda _: None) as (server, driver):
        await lost(driver)
        server.send(server.requests[0], 1, WRONG, after_s)
        server.reply = honest
        assert raws(await driver.read("m")) == {"p100": 100}
        assert server.connections == 1


@in_virtual_time
async def test_an_answer_later_than_everything_is_caught_where_the_meter_has_requests_of_two_lengths():
    meters = {"m": Target(1, meter_profile(100, 200, 201))}
    async with plant("rtu_over_tcp", meters, reply=lambda _: None) as (server, driver):
        await lost(driver)
        await asyncio.sleep(3600)

        def late_first(request):
            server.send(request, 1, WRONG, 0.01)
            server.send(request, *honest(request), 0.02)
            server.reply = honest

        server.reply = late_first
        assert raws(await driver.read("m")) == {"p100": 100, "p200": 200, "p201": 201}
        assert server.requests[1].count == 2  # not the length that is owed
        server.reply = honest
        assert raws(await driver.read("m")) == {"p100": 100, "p200": 200, "p201": 201}


@in_virtual_time
async def test_half_a_block_is_asked_first_where_all_else_has_the_length_that_is_owed():
    meters = {"m": Target(1, meter_profile(100, 101))}
    async with plant("rtu_over_tcp", meters, reply=lambda _: None) as (server, driver):
        await lost(driver)
        server.reply = honest
        assert raws(await driver.read("m")) == {"p100": 100, "p101": 101}
        assert [(r.address, r.count) for r in server.requests] == [(100, 2), (100, 1), (100, 2)]


@in_virtual_time
async def test_a_late_answer_while_the_line_is_idle_ends_the_wait_and_teaches_the_timeout():
    async with plant("rtu_over_tcp", {"m": Target(1, meter_profile(100))}) as (server, driver):
        for _ in range(8):
            await driver.read("m")
        assert driver.silence_ns("m") == 50_000_000
        server.reply = lambda _: None
        await lost(driver)
        server.send(server.requests[-1], 1, WRONG, 0.05)
        await asyncio.sleep(0.06)
        before = driver.silence_ns("m")
        server.reply = honest
        assert raws(await driver.read("m")) == {"p100": 100}
        assert before >= 190_000_000  # it took 100 ms: four times that, at most timeout_ms


@in_virtual_time
async def test_a_late_answer_to_another_unit_is_passed_over():
    meters = {"a": Target(1, meter_profile(100)), "b": Target(2, meter_profile(100))}
    async with plant("rtu_over_tcp", meters, reply=lambda _: None) as (server, driver):
        await lost(driver, "a")
        server.reply = lambda r: server.send(r, 1, WRONG, 0.01) or server.send(r, 2, registers(3, 100, 1), 0.02)
        assert raws(await driver.read("b")) == {"p100": 100}


@in_virtual_time
async def test_a_second_copy_of_an_answer_is_not_taken_for_the_next():
    def twice(request):
        if request.address == 100:
            server.send(request, *honest(request), 0.005)
            return honest(request)
        return server.send(request, *honest(request), 0.010)

    async with plant("rtu_over_tcp", {"m": Target(1, meter_profile(100, 500))}, reply=twice) as (server, driver):
        for _ in range(3):
            found = raws(await driver.read("m"))
            assert found["p100"] in (None, 100)
            assert found["p500"] in (None, 500)
        server.reply = honest
        await asyncio.sleep(1)
        assert raws(await driver.read("m")) == {"p100": 100, "p500": 500}


@in_virtual_time
async def test_two_blocks_that_truly_hold_the_same_are_both_read():
    reply = {"reply": lambda r: (r.unit, registers(3, 0, 1))}
    async with plant("rtu_over_tcp", {"m": Target(1, meter_profile(100, 500))}, **reply) as (_, driver):
        assert raws(await driver.read("m")) == {"p100": 0, "p500": 0}


@pytest.mark.parametrize("kind", KINDS)
@in_virtual_time
async def test_a_truncated_answer_gives_no_value_and_spoils_nothing(kind):
    def cut(request):
        server.writer.write(server.frame(request, *honest(request))[:-3])

    async with plant(kind, {"m": Target(1, meter_profile(10, 11))}, 200, reply=cut) as (server, driver):
        assert statuses(await driver.read("m")) == [BAD_DECODING_ERROR] * 2
        server.reply = honest
        assert raws(await driver.read("m")) == {"p10": 10, "p11": 11}


@in_virtual_time
async def test_what_a_truncated_tcp_frame_lacks_is_not_taken_from_the_next():
    def cut(request):
        whole = server.frame(request, *honest(request))
        server.writer.write(whole[:-3])
        server.send(request, *honest(request), 0.05)

    async with plant("tcp", {"m": Target(1, meter_profile(10, 11))}, 200, reply=cut) as (_, driver):
        server = _
        assert statuses(await driver.read("m")) == [BAD_DECODING_ERROR] * 2


@pytest.mark.parametrize("bit", range(0, 72, 5))
@in_virtual_time
async def test_a_flipped_bit_gives_no_value(bit):
    def flip(request):
        whole = bytearray(server.frame(request, *honest(request)))
        whole[bit // 8] ^= 1 << bit % 8
        server.writer.write(bytes(whole))

    async with plant("rtu_over_tcp", {"m": Target(1, meter_profile(10, 11))}, reply=flip) as (server, driver):
        assert len(server.frame(None, 1, registers(3, 10, 2))) == 9
        with contextlib.suppress(Unreachable):
            assert raws(await driver.read("m")) == {"p10": None, "p11": None}
        server.reply = honest
        assert raws(await driver.read("m")) == {"p10": 10, "p11": 11}


@in_virtual_time
async def test_after_a_damaged_answer_what_could_be_mistaken_for_it_is_left_out():
    def reply(request):
        return (1, WRONG + b"\0") if request.address == 10 else honest(request)

    async with plant("rtu_over_tcp", {"m": Target(1, meter_profile(10, 500, 900, 901))}, reply=reply) as (_, driver):
        assert statuses(await driver.read("m")) == [BAD_DECODING_ERROR, BAD_NOT_CONNECTED, GOOD, GOOD]


@in_virtual_time
async def test_transaction_id_0_is_never_admitted_from_a_device_that_knows_better():
    def zero(request):
        server.writer.write(b"\0\0" + server.frame(request, *honest(request))[2:])

    async with plant("tcp", {"m": Target(1, meter_profile(10))}, 200) as (server, driver):
        assert raws(await driver.read("m")) == {"p10": 10}
        server.reply = zero
        for _ in range(5):
            assert statuses(await driver.read("m")) == [BAD_DECODING_ERROR]
        assert server.connections == 5  # each time a new one, so that nothing late can come


@in_virtual_time
async def test_a_device_that_always_answers_with_transaction_id_0_is_asked_with_0_and_quarantined():
    told = []

    def zero(request):
        server.writer.write(b"\0\0" + server.frame(request, *honest(request))[2:])

    async with plant("tcp", {"m": Target(1, meter_profile(10))}, 200, told.append, reply=zero) as (server, driver):
        for _ in range(3):
            assert statuses(await driver.read("m")) == [BAD_DECODING_ERROR]
        assert [(e.event, e.about) for e in told] == [("transaction_id_ignored", "m")]
        assert raws(await driver.read("m")) == {"p10": 10}
        assert server.requests[-1].tid == 0
        server.reply = lambda _: None
        await lost(driver)
        server.send(server.requests[-1], 1, WRONG, 0.05)
        server.reply = zero
        assert raws(await driver.read("m")) == {"p10": 10}


@in_virtual_time
async def test_an_interrupted_read_leaves_no_answer_behind():
    async with plant("rtu_over_tcp", {"m": Target(1, meter_profile(100))}, reply=lambda _: None) as (server, driver):
        reading = asyncio.create_task(driver.read("m"))
        await server.waiting.wait()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        server.send(server.requests[0], 1, WRONG, 0.05)
        server.reply = honest
        assert raws(await driver.read("m")) == {"p100": 100}


@in_virtual_time
async def test_what_an_earlier_process_asked_for_is_not_taken_for_ours():
    async with plant("rtu_over_tcp", {"m": Target(1, meter_profile(100))}) as (server, driver):
        reading = asyncio.create_task(driver.read("m"))
        await asyncio.sleep(0.05)
        server.writer.write(bytes([1]) + WRONG + crc16(bytes([1]) + WRONG))
        assert raws(await reading) == {"p100": 100}


@pytest.mark.parametrize("kind", KINDS)
@in_virtual_time
async def test_a_silent_unit_costs_what_its_neighbours_have_taught_and_no_connection(kind):
    meters = {"dead": Target(1, meter_profile(10)), "well": Target(2, meter_profile(20))}
    reply = {1: lambda _: None, 2: honest}
    async with plant(kind, meters, 5000, reply=lambda r: reply[r.unit](r)) as (server, driver):
        loop = asyncio.get_running_loop()
        for _ in range(8):
            await driver.read("well")
        for waited_s in (0.2, 0.4, 0.8):  # four times 50 ms, the least; then twice that, and again
            promised_s, before_s = driver.silence_ns("dead") / 1e9, loop.time()
            await lost(driver, "dead")
            assert loop.time() - before_s <= promised_s + 0.001
            assert loop.time() - before_s == pytest.approx(waited_s, abs=0.002)
            await asyncio.sleep(5)
            assert raws(await driver.read("well")) == {"p20": 20}
        assert server.connections == 1


@in_virtual_time
async def test_a_gateway_that_still_waits_for_a_dead_unit_does_not_make_the_next_one_dead():
    def reply(request):
        loop = asyncio.get_running_loop()
        if request.unit == 1:
            server.busy_until = loop.time() + 0.9
        else:
            server.send(request, *honest(request), max(0.0, server.busy_until - loop.time()))

    meters = {"dead": Target(1, meter_profile(10)), "well": Target(2, meter_profile(20))}
    async with plant("tcp", meters, 1000, reply=reply) as (server, driver):
        server.busy_until = 0.0
        for _ in range(8):
            await driver.read("well")
        await lost(driver, "dead")
        assert raws(await driver.read("well")) == {"p20": 20}


@in_virtual_time
async def test_a_connection_on_which_nothing_is_heard_any_more_is_opened_anew():
    async with plant("tcp", {"m": Target(1, meter_profile(10))}, 200, reply=lambda _: None) as (server, driver):
        for connections in (1, 1, 2, 2, 3):
            await lost(driver)
            assert server.connections == connections
