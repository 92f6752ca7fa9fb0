"""Channels: every policy, a folder of trust, logins by certificate, a certificate that is rolled."""

import contextlib
import hashlib
import time

import pytest
from asyncua.server.user_managers import User, UserRole
from opcua_profiles import driving, kepserver

from agent.drivers import Unreachable
from agent.drivers.opcua_trust import own, read, thumbprint
from simulators.opcua_meters import KEPSERVER_METER, MeterServer

POLICIES = ("Basic256Sha256", "Aes128Sha256RsaOaep", "Aes256Sha256RsaPss")
DAY_NS = 86_400 * 10**9


def pair(folder, name):
    """A certificate and key of a server, or of a user."""
    files = folder / f"{name}.der", folder / f"{name}.key.pem"
    own(*files, f"urn:{name}", time.time_ns())
    return files


@contextlib.asynccontextmanager
async def guarded(folder, users=None):
    server = MeterServer(KEPSERVER_METER, time.time_ns)
    server.certificate, server.users = pair(folder, "plc"), users
    await server.show("Power", 1.0)
    await server.show("Energy", 1.0)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


def security(folder, policy=POLICIES[0], **keys):
    files = {"certificate": str(folder / "agent.der"), "key": str(folder / "agent.pem")}
    return {"policy": policy} | files | {"trusted": str(folder / "trusted")} | keys


async def test_a_strangers_server_is_refused_until_its_certificate_is_moved_and_again_when_it_is_rolled(tmp_path):
    async with (
        guarded(tmp_path) as server,
        driving(server.url, kepserver(), timeout_ms=3000, security=security(tmp_path)) as (driver, events),
    ):
        for name in ("plc", "plc2"):
            if name == "plc2":
                await server.stop()
                with pytest.raises(Unreachable):
                    await driver.read("m0")
                server.certificate = pair(tmp_path, name)
                await server.start()
            aside = tmp_path / "trusted" / "rejected" / f"{thumbprint(read(tmp_path / f'{name}.der'))}.der"
            with pytest.raises(Unreachable) as caught:
                await driver.read("m0")
            assert str(caught.value) == (
                f"{server.url}: the server's certificate is not trusted: "
                f"if it is the right one, move {aside} to {tmp_path / 'trusted'}"
            )
            aside.rename(tmp_path / "trusted" / aside.name)
            assert (await driver.read("m0"))[-1].readings[0].raw is not None
        assert [e.event for e in events] == ["certificate_made"]
        assert events[0].detail["thumbprint"] == thumbprint(read(tmp_path / "agent.der"))


@pytest.mark.parametrize("policy", POLICIES)
async def test_every_policy_reads(tmp_path, policy):
    async with guarded(tmp_path) as server:
        pinned = security(tmp_path, policy, server_certificate=str(tmp_path / "plc.der"), trusted=None)
        async with driving(server.url, kepserver(), timeout_ms=3000, security=pinned) as (driver, _):
            assert (await driver.read("m0"))[0].readings[1].raw is not None


class Badges:
    """Lets in who shows the right certificate."""

    def __init__(self, known):
        self.known, self.seen = known, []

    def get_user(self, _server, certificate=None, **_name_and_password):
        """A user for a known certificate, given as DER."""
        self.seen.append(hashlib.sha1(certificate or b"").hexdigest())
        return User(role=UserRole.User, name="meter") if self.seen[-1] == self.known else None


async def test_a_user_may_be_a_certificate(tmp_path):
    badge, forged = pair(tmp_path, "badge"), pair(tmp_path, "forged")
    badges = Badges(thumbprint(read(badge[0])))
    async with guarded(tmp_path, badges) as server:
        pinned = security(tmp_path, server_certificate=str(tmp_path / "plc.der"), trusted=None)
        for (certificate, key), welcome in ((badge, True), (forged, False)):
            user = {"user_certificate": str(certificate), "user_key": str(key)}
            async with driving(server.url, kepserver(), timeout_ms=3000, security=pinned, **user) as (driver, _):
                if welcome:
                    assert (await driver.read("m0"))[0].readings[1].raw is not None
                else:
                    with pytest.raises(Unreachable):
                        await driver.read("m0")
    assert badges.seen == [thumbprint(read(badge[0])), thumbprint(read(forged[0]))]


async def test_a_certificate_is_told_once_before_it_ends_and_refused_after(tmp_path):
    clock = {"ahead_ns": 0}
    async with guarded(tmp_path) as server:
        until_ns = int(read(tmp_path / "plc.der").not_valid_after_utc.timestamp()) * 10**9
        pinned = security(tmp_path, server_certificate=str(tmp_path / "plc.der"), trusted=None)

        def now_ns():
            return time.time_ns() + clock["ahead_ns"]

        async with driving(server.url, kepserver(), now_ns=now_ns, timeout_ms=3000, security=pinned) as (
            driver,
            events,
        ):
            clock["ahead_ns"] = until_ns - time.time_ns() - 29 * DAY_NS
            for _ in range(2):
                await driver.read("m0")
                await driver.close()
            told = [e for e in events if e.event == "certificate_expires"]
            assert [(e.about, e.detail["until_ns"]) for e in told] == [(f"{server.url}: the server's", until_ns)]
            clock["ahead_ns"] += 30 * DAY_NS
            with pytest.raises(Unreachable, match=r"the server's certificate expired on 20\d\d-\d\d-\d\d: replace it"):
                await driver.read("m0")
