"""Lines of access logs, and the files they are kept in until the server has them."""

import gzip
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.certificates import Authority

from homeport.kit.clock import FixedClock
from homeport.node.access import spool as spooling
from homeport.node.access.entry import line, names_of
from homeport.node.access.shipper import AccessLogs
from homeport.node.access.spool import Heading, Spool
from homeport.node.balancing import access
from homeport.node.balancing.config import Place, render
from homeport.node.balancing.model import Desired
from homeport.wire.messages import (
    AccessLog,
    AccessLogFile,
    Certificate,
    FixedResponse,
    Listener,
    ListenerRule,
    LoadBalancer,
)

RULE = ListenerRule(id="d", action=FixedResponse(status=200))
LOG = AccessLog(destination="d", scope="arn:aws:elasticloadbalancing:us-east-1:123456789012:")
HEADING = Heading(balancer="app/lb/1", destination="d", address="10.0.0.200")
PLAIN = {
    "mark": access.MARK,
    "connection": "0c0da51e-f9d3-4c56-a404-941039c318b0",
    "client": "10.0.0.9:4321",
    "address": "10.0.0.200",
    "port": "80",
    "created": "1700000000250000",
    "ended": "1700000000260000",
    "receiving": "3",
    "queueing": "0",
    "connecting": "1",
    "responding": "6",
    "status": "200",
    "cause": "--",
    "target_status": "200",
    "received": "67",
    "sent": "73",
    "method": b"GET".hex(),
    "uri": b"/a?b=c".hex(),
    "host": b"web.test:8080".hex(),
    "version": "HTTP/1.1",
    "agent": b"curl/8".hex(),
    "trace": b"Root=1-0-0".hex(),
    "cipher": "-",
    "tls": "-",
    "resumed": "0",
    "domain": "-",
    "certificate": "-",
    "rule": "5:forward",
    "group": "targetgroup.web.00000000000000a1",
    "target": "10.0.0.11:80",
    "place": "-",
    "query": "-",
}


def balancer(**changes: Any) -> LoadBalancer:
    listener = Listener(id="l", port=80, protocol="HTTP", rules=(RULE,))
    fields: dict[str, Any] = {"listeners": (listener,), "access_log": LOG}
    return LoadBalancer(id="app/lb/1", kind="application", vpc="vpc-1", enis=(), **(fields | changes))


def said(**changes: str) -> str:
    return line(PLAIN | changes, names_of(balancer()))


def test_a_line_is_in_awss_order():
    assert said() == (
        "http 2023-11-14T22:13:20.260000Z app/lb/1 10.0.0.9:4321 10.0.0.11:80 0.004 0.006 0.000 200 200 67 73 "
        '"GET http://web.test:80/a?b=c HTTP/1.1" "curl/8" - - '
        "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/web/00000000000000a1 "
        '"Root=1-0-0" "-" "-" 5 2023-11-14T22:13:20.247000Z "forward" "-" "-" "10.0.0.11:80" "200" "-" "-" '
        "TID_0c0da51ef9d34c56a404941039c318b0"
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"connecting": "-1", "responding": "-1"}, " 10.0.0.11:80 -1 -1 -1 200 "),
        ({"responding": "-1"}, " 0.004 -1 -1 200 "),
        ({"target": "<NOSRV>"}, " 10.0.0.9:4321 - 0.004"),
        ({"status": "-1", "cause": "CD"}, " 460 200 "),
        ({"status": "-1", "cause": "SD"}, " 0.000 - 200 "),
        ({"status": "101"}, "ws 2023"),
        ({"agent": "-"}, '"-" - - arn'),
        ({"agent": b'"\\\x7f\xff '.hex()}, '"\\x22\\x5C\\x7F\\xFF " - -'),
        ({"agent": ("a" * 9000).encode().hex()}, f'"{"a" * 8192}" - -'),
        ({"host": b"[::1]:80".hex()}, '"GET http://[::1]:80/a?b=c '),
        ({"host": "-"}, '"GET http://10.0.0.200:80/a?b=c '),
        ({"group": "-"}, '"curl/8" - - - "Root'),
        ({"rule": "0:redirect", "place": b"https://a/b".hex()}, '"redirect" "https://a/b" "-"'),
        ({"rule": "0:redirect", "place": b"a".hex(), "query": b"c".hex()}, '"redirect" "a?c" "-"'),
        ({"rule": "0:forward", "place": b"a".hex()}, '"forward" "-" "-"'),
        ({"method": "-", "rule": "-", "created": "-"}, '"- http://web.test:80- -"'),
        ({"method": "-", "rule": "-", "created": "-"}, ' - 2023-11-14T22:13:20.260000Z "-" '),
    ],
)
def test_what_is_not_there_or_not_plain(changes: dict[str, str], expected: str):
    assert expected in said(**changes)


def test_names_that_clients_ask_for():
    issued = Authority().issue("web.test")
    one = Certificate(chain=issued.body.decode() + issued.chain.decode(), private_key="", name="arn:one",
                      domains=("web.test", "*.shops.test"))  # fmt: skip
    secure = Listener(id="l", port=443, protocol="HTTPS", rules=(RULE,), certificates=(one,))
    names = names_of(balancer(listeners=(secure,)))
    (digest,) = names.secured["443"].certificates
    assert len(digest) == 40
    assert ssl.PEM_cert_to_DER_cert(issued.body.decode())

    def told(**changes: str) -> str:
        return line(PLAIN | {"port": "443", "certificate": digest.upper()} | changes, names)

    assert '"-" "arn:one" 5' in told()
    assert '"WEB.test" "arn:one" 5' in told(domain=b"WEB.test".hex())
    assert '"a.shops.test" "arn:one" 5' in told(domain=b"a.shops.test".hex())
    assert '"-" "arn:one" 5' in told(domain=b"a.b.shops.test".hex())  # got the default
    assert '"-" "session-reused" 5' in told(resumed="1")
    assert '"-" "-" 5' in told(certificate="00")
    assert told().startswith("https ")
    assert told(version="HTTP/2.0").startswith("h2 ")
    assert told(status="101").startswith("wss ")


def test_only_requests_are_parsed():
    whole = " ".join(PLAIN.values())
    assert access.parse(whole.encode()) == PLAIN
    assert access.parse(b"10.0.0.9:1 [14/Nov] port-443/1: SSL handshake failure") is None
    assert access.parse(whole.rpartition(" ")[0].encode()) is None
    assert tuple(PLAIN) == access.FIELDS


def test_nothing_is_said_while_nothing_is_logged():
    def config(wanted: LoadBalancer) -> str:
        return render(Desired(wanted), (), Place("run", Path("/"))).config

    plain = config(balancer(access_log=None))
    assert "log" not in plain
    assert "txn.matched" not in plain
    assert config(balancer()).count("log-format") == 1


# --- Files


@dataclass
class Kept:
    """A node's files, and what the server was sent."""

    folder: Path
    clock: FixedClock = field(default_factory=lambda: FixedClock(1_700_000_000.0))
    sent: list[AccessLogFile] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.logs = AccessLogs(self.folder, self.clock, self.sent.append)

    async def settle(self) -> None:
        while self.logs.spool.unfinished:
            await self.logs.compress()

    def again(self) -> "Kept":
        """Return what the next process has."""
        self.logs.close()
        return Kept(self.folder, self.clock)

    def lines(self) -> list[str]:
        return [text for file in self.sent for text in gzip.decompress(file.body).decode().splitlines()]


async def test_a_file_ends_with_its_period(tmp_path: Path):
    kept = Kept(tmp_path)
    kept.logs.connected()
    kept.logs.spool.write(HEADING, ["one", "two"])
    kept.logs.end_periods()
    assert not kept.logs.spool.unfinished  # until 22:15
    kept.clock.advance(100)
    kept.logs.end_periods()
    await kept.settle()
    (file,) = kept.sent
    assert (file.balancer, file.destination, file.address) == ("app/lb/1", "d", "10.0.0.200")
    assert (file.ended, kept.lines()) == (1_700_000_100, ["one", "two"])
    kept.logs.spool.write(HEADING, ["three"])
    kept.clock.advance(300)
    kept.logs.spool.write(HEADING, ["four"])  # whose period is another, before anybody looked
    await kept.settle()
    kept.logs.acked(file.id)
    assert [each.ended for each in kept.sent] == [1_700_000_100, 1_700_000_400]
    kept.logs.acked(kept.sent[1].id)
    kept.logs.spool.close_all("app/lb/1")
    await kept.settle()
    assert kept.lines() == ["one", "two", "three", "four"]
    kept.logs.acked(kept.sent[2].id)
    assert list(tmp_path.iterdir()) == []


async def test_a_file_waits_until_the_server_has_it(tmp_path: Path):
    kept = Kept(tmp_path)
    kept.logs.spool.write(HEADING, ["one"])
    kept.logs.spool.close_all("app/lb/1")
    await kept.settle()
    assert kept.sent == []  # nobody is there
    kept.logs.connected()
    kept.logs.connected()
    assert len(kept.sent) == 1  # one on its way is enough
    kept.logs.disconnected()
    kept.logs.connected()
    assert kept.sent[0] == kept.sent[1]
    assert kept.logs.resend()
    kept.logs.acked(kept.sent[0].id)
    assert not kept.logs.resend()
    kept.logs.acked(kept.sent[0].id)


async def test_the_next_process_goes_on(tmp_path: Path):
    kept = Kept(tmp_path)
    kept.logs.spool.write(HEADING, ["one"])
    kept.logs.spool.close_all("app/lb/1")
    await kept.settle()
    kept.logs.spool.write(HEADING, ["two"])
    kept.logs.spool.close_all("app/lb/1")
    kept.logs.spool.write(HEADING, ["three"])
    (tmp_path / "torn.new").write_bytes(b"half")
    after = kept.again()
    await after.settle()
    after.logs.connected()
    while after.logs.resend():
        after.logs.acked(after.sent[-1].id)
    assert after.lines() == ["one", "two", "three"]
    assert list(tmp_path.iterdir()) == []


async def test_there_are_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(spooling, "FILE_BYTES", 10)
    monkeypatch.setattr(spooling, "KEPT_BYTES", 100)
    kept = Kept(tmp_path)
    for number in range(8):
        kept.logs.spool.write(HEADING, [f"line number {number}"])
    kept.logs.spool.close_all("app/lb/1")
    await kept.settle()
    kept.logs.connected()
    while kept.logs.resend():
        kept.logs.acked(kept.sent[-1].id)
    assert 0 < len(kept.sent) < 8
    assert kept.lines()[-1] == "line number 7"  # the oldest went
    assert kept.logs.spool.dropped == 8 - len(kept.sent)
    kept.logs.end_periods()
    assert kept.logs.spool.dropped == 0  # it was told


async def test_a_file_that_cannot_be_read_is_passed_over(tmp_path: Path):
    (tmp_path / "broken00.gz").write_bytes(b"nothing")
    kept = Kept(tmp_path)
    kept.logs.spool.write(HEADING, ["one"])
    kept.logs.spool.close_all("app/lb/1")
    await kept.settle()
    kept.logs.connected()
    assert kept.lines() == ["one"]
    assert not (tmp_path / "broken00.gz").exists()


def test_a_disk_that_takes_nothing_costs_lines_only(tmp_path: Path):
    (tmp_path / "file").touch()
    spool = Spool(tmp_path / "file" / "logs", FixedClock(), lambda: None)
    spool.write(HEADING, ["one", "two"])
    assert spool.dropped == 2
