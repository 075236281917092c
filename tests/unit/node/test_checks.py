"""Health checks of endpoints: what a probe finds, what results come to, and what is remembered of them."""

import asyncio
import contextlib
import socket
import ssl
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.certificates import Authority
from tests.ports import free_port
from tests.unit.node.virtual import VirtualClock, pass_time, virtual

from homeport.node.checks import probe as probing
from homeport.node.checks.probe import Result, probe, reachable
from homeport.node.checks.resolving import addresses_of
from homeport.node.checks.runner import Checks
from homeport.node.checks.verdict import Verdict, states
from homeport.node.naming.zones import Names
from homeport.wire.messages import CheckObserved, EndpointCheck

from .naming.saying import records, zone

LOOPBACK = "127.0.0.0/8"


def check(id_: str = "h", **more: Any) -> EndpointCheck:
    fields: dict[str, Any] = {"probe": "HTTP", "address": "127.0.0.1", "port": 80}
    return EndpointCheck(id=id_, **(fields | more))


# --- Probes


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let probes wait for an endpoint of ours as long as it takes on a busy machine: none of them is slow."""
    for name in ("_CONNECT_SECONDS", "_ANSWER_SECONDS"):
        monkeypatch.setattr(probing, name, 60.0)


@asynccontextmanager
async def endpoint(answer: bytes, **more):
    """Serve one answer to whatever is asked; the requests are yielded with the port."""
    asked: list[bytes] = []
    serving: set[asyncio.Task[Any]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        own = asyncio.current_task()
        assert own is not None
        serving.add(own)
        try:
            asked.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(answer)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, **more)
    yield server.sockets[0].getsockname()[1], asked
    server.close()
    await server.wait_closed()
    await asyncio.gather(*serving)  # a connection that is left open would be the next test's trouble


async def nobody(name: str) -> list[str]:
    raise OSError(f"nobody is asked for {name}")


def said(status: str, body: bytes = b"hello world") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body


@pytest.mark.parametrize(
    ("answer", "more", "passed", "status"),
    [
        (said("200 OK"), {}, True, "Success: HTTP Status Code 200, OK"),
        (said("302 Found"), {}, True, "Success: HTTP Status Code 302, Found"),
        (said("503 Service Unavailable"), {}, False, "Failure: HTTP Status Code 503, Service Unavailable"),
        (said("200 OK"), {"search": "lo wo"}, True, "Success: HTTP Status Code 200, OK"),
        (said("200 OK"), {"search": "Hello"}, False, "Failure: The search string was not found in the response"),
        (said("200 OK", b"x" * 6000 + b"end"), {"search": "end"}, False, "Failure: The search string was not found"),
        (b"rubbish\r\n\r\n", {}, False, "Failure: "),
        (b"", {}, False, "Failure: "),
    ],
)
async def test_an_endpoint_passes_by_its_answer(answer, more, passed, status):
    async with endpoint(answer) as (port, _):
        result = await probe(check(port=port, **more), nobody, LOOPBACK)
    assert (result.passed, result.status[: len(status)]) == (passed, status)


async def test_https_is_spoken_without_asking_whose_certificate_it_is(tmp_path):
    made = Authority().issue("www.example.com")
    (tmp_path / "pem").write_bytes(made.body + made.key)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "pem")
    named: list[str | None] = []
    context.sni_callback = lambda _, name, __: named.append(name)
    async with endpoint(said("200 OK"), ssl=context) as (port, _):
        wanted = check(port=port, probe="HTTPS", name="www.example.com", server_name=True)
        assert (await probe(wanted, nobody, LOOPBACK)).status == "Success: HTTP Status Code 200, OK"
        await probe(check(port=port, probe="HTTPS"), nobody, LOOPBACK)
    assert named == ["www.example.com", None]


async def test_the_host_header_names_the_endpoint():
    async with endpoint(said("200 OK")) as (port, asked):
        await probe(check(port=port, name="www.example.com", path="/health?x=1"), nobody, LOOPBACK)
    assert asked[0].startswith(b"GET /health?x=1 HTTP/1.1\r\n")
    assert f"Host: www.example.com:{port}\r\n".encode() in asked[0]


async def test_tcp_asks_for_a_connection_only():
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        result = await probe(check(port=port, probe="TCP"), nobody, LOOPBACK)
        assert (result.passed, result.status) == (True, "Success: The TCP connection was established")
    result = await probe(check(port=port, probe="TCP"), nobody, LOOPBACK)
    assert (result.passed, result.status) == (False, "Failure: Connection refused")


async def test_a_name_is_looked_up_in_our_zones_before_each_probe():
    names = Names([*zone("Z1", "example.com."), records("Z1", "www.example.com.", "A", "127.0.0.1")])
    async with endpoint(said("200 OK")) as (port, _):
        wanted = check(address="", name="www.example.com", port=port)
        result = await probe(wanted, lambda name: addresses_of(names, name), LOOPBACK)
        assert result.passed
        names.change([records("Z1", "www.example.com.", "TXT", '"x"')], ())
        gone = await probe(check(address="", name="none.example.com"), lambda name: addresses_of(names, name), LOOPBACK)
    assert gone.status == "Failure: DNS resolution failed: none.example.com has no IPv4 address"


async def test_private_addresses_are_not_checked_whoever_names_them():
    for address in ("127.0.0.1", "10.0.0.5", "169.254.169.254", "::1", "192.168.1.1"):
        assert not reachable(address, "198.18.0.0/16")

        async def resolve(name: str, address: str = address) -> list[str]:
            return [address]

        result = await probe(check(address="", name="evil.test"), resolve, "198.18.0.0/16")
        assert result.status == f"Failure: {address} is not a public address"
    assert reachable("198.18.3.4", "198.18.0.0/16")
    assert reachable("8.8.8.8", "198.18.0.0/16")


# --- Verdicts


def test_a_verdict_changes_after_as_many_results_in_a_row_as_the_threshold_says():
    verdict = Verdict()
    history = []
    for passed in (False, False, True, False, False, False, True, True, False, True, True, True):
        verdict = verdict.after(passed=passed, threshold=3)
        history.append(verdict.healthy)
    assert history == [True, True, True, True, True, False, False, False, False, False, False, True]


def test_checks_are_inverted_switched_off_and_reckoned_from_others():
    checks = {
        "up": check("up"),
        "down": check("down"),
        "inverted": check("inverted", inverted=True),
        "off": check("off", disabled=True),
        "off-inverted": check("off-inverted", disabled=True, inverted=True),
        "two": EndpointCheck(id="two", children=("up", "down", "off"), needed=2),
        "three": EndpointCheck(id="three", children=("up", "down", "off"), needed=3),
        "nested": EndpointCheck(id="nested", children=("three",), needed=1, inverted=True),
        "round": EndpointCheck(id="round", children=("round", "absent"), needed=2),
        "decided": EndpointCheck(id="decided", decided=False),
        "from-decided": EndpointCheck(id="from-decided", children=("decided",), needed=1),
    }
    down = Verdict(healthy=False)
    assert states(checks, {"down": down, "off": down}) == {
        "up": True,
        "down": False,
        "inverted": False,
        "off": True,
        "off-inverted": False,
        "two": True,
        "three": False,
        "nested": True,
        "round": True,
        "decided": False,
        "from-decided": False,
    }


# --- The runner


class World:
    """Checks whose probes find what the test says, and what they told and remembered."""

    def __init__(self) -> None:
        self.result = Result(passed=True, status="Success: fine")
        self.probed: list[str] = []
        self.remembered: dict[str, Verdict] = {}
        self.states: dict[str, bool] = {}
        self.sent: list[CheckObserved] = []
        self.start()

    def start(self) -> None:
        self.checks = Checks(
            self._probe,
            VirtualClock(),
            saved=dict(self.remembered),
            remember=self._remember,
            changed=self._changed,
            send=self.sent.append,
        )
        self.states = {}

    async def _probe(self, wanted: EndpointCheck) -> Result:
        self.probed.append(wanted.id)
        return self.result

    def _remember(self, verdicts) -> None:
        for id_, verdict in verdicts.items():
            if verdict is None:
                self.remembered.pop(id_, None)
            else:
                self.remembered[id_] = verdict

    def _changed(self, states) -> None:
        self.states = dict(states)


@virtual
async def test_failures_change_the_verdict_which_outlives_a_crash():
    world = World()
    world.checks.assign([check(interval=10, threshold=2)])
    assert world.states == {"h": True}
    await pass_time(5)
    assert world.probed == ["h"]
    world.result = Result(passed=False, status="Failure: broken")
    await pass_time(10)
    assert world.states == {"h": True}
    world.checks.close()
    world.start()
    world.checks.assign([check(interval=10, threshold=2)])
    await pass_time(5)
    assert world.states == {"h": False}
    assert [(report.healthy, report.status) for report in world.sent] == [
        (True, "Success: fine"),
        (True, "Failure: broken"),
        (False, "Failure: broken"),
    ]
    world.checks.close()


@virtual
async def test_a_check_that_is_dropped_is_done_no_more_and_forgotten():
    world = World()
    world.checks.assign([check("a"), check("b", disabled=True), EndpointCheck(id="c", children=("a",), needed=1)])
    world.result = Result(passed=False, status="Failure: broken")
    await pass_time(2)
    assert world.probed == ["a"]
    assert set(world.remembered) == {"a"}
    world.checks.assign([])
    await pass_time(100)
    assert (world.probed, world.remembered, world.states) == (["a"], {}, {})


@virtual
async def test_what_the_server_has_not_recorded_is_said_again():
    world = World()
    world.checks.assign([check()])
    await pass_time(2)
    (report,) = world.sent
    assert world.checks.unacked() == [report]
    world.checks.acked("h", report.sequence)
    assert world.checks.unacked() == []
    world.checks.close()


@virtual
async def test_results_that_say_nothing_new_are_told_twice_a_minute_at_most():
    world = World()
    world.checks.assign([check(interval=10)])
    await pass_time(121)
    assert len(world.probed) >= 12
    assert 3 <= len(world.sent) <= 5
    world.checks.close()
