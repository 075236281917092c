"""What nodes are told of names, and when a change counts as everywhere."""

import threading

import pytest
from tests.api.route53.conftest import record

from homeport.services.route53.handlers import changes
from homeport.services.route53.store import changes as store
from homeport.wire.messages import RecordSet, Zone


def status(route53, change) -> str:
    return route53.get_change(Id=change["Id"])["ChangeInfo"]["Status"]


@pytest.fixture
def impatient(monkeypatch):
    """Have GetChange say at once what is so."""
    monkeypatch.setattr(changes, "_PATIENCE", 0.0)


def test_a_change_is_pending_until_every_connected_node_goes_by_it(
    route53, make_zone, change, fleet, refused, impatient
):
    fleet.join("n1")
    fleet.join("n2")
    made = change(make_zone(), ("CREATE", record("www.example.com", "A", "192.0.2.1")))
    assert made["Id"].startswith("/change/C")
    fleet.tell()
    fleet.take("n1")
    assert status(route53, made) == "PENDING"
    fleet.take("n2")
    assert status(route53, made) == "INSYNC"
    assert refused(route53.get_change, Id="C0")[0] == "NoSuchChange"


def test_later_changes_do_not_hold_up_earlier_ones(route53, make_zone, change, fleet, impatient):
    fleet.join()
    zone = make_zone()
    first = change(zone, ("CREATE", record("www.example.com", "A", "192.0.2.1")))
    fleet.tell()
    second = change(zone, ("UPSERT", record("www.example.com", "A", "192.0.2.2")))
    fleet.take()
    assert [status(route53, each) for each in (first, second)] == ["INSYNC", "PENDING"]
    fleet.tell()
    assert status(route53, second) == "PENDING"
    fleet.take()
    assert status(route53, second) == "INSYNC"


def test_a_change_that_makes_no_difference_needs_nobody_to_take_it(route53, make_zone, change, fleet, impatient):
    fleet.join()
    zone, content = make_zone(), record("www.example.com", "A", "192.0.2.1")
    change(zone, ("CREATE", content))
    fleet.tell()
    again = change(zone, ("UPSERT", content))
    fleet.tell()
    assert status(route53, again) == "PENDING"  # as the change before it is
    fleet.take()
    fleet.tell()
    assert status(route53, again) == "INSYNC"
    back_and_forth = change(zone, ("DELETE", content), ("CREATE", content))
    fleet.tell()
    assert status(route53, back_and_forth) == "INSYNC"


def test_a_node_that_is_gone_holds_up_nothing(route53, make_zone, change, fleet, impatient):
    fleet.join("n1")
    fleet.join("n2")
    fleet.leave("n2")
    made = change(make_zone(), ("CREATE", record("www.example.com", "A", "192.0.2.1")))
    fleet.tell()
    fleet.take("n1")
    assert status(route53, made) == "INSYNC"


def test_waiters_need_to_ask_once(route53, make_zone, change, fleet):
    fleet.join()
    made = change(make_zone(), ("CREATE", record("www.example.com", "A", "192.0.2.1")))

    def node() -> None:
        fleet.tell()
        fleet.take()

    soon = threading.Timer(0.2, node)
    soon.start()
    route53.get_waiter("resource_record_sets_changed").wait(Id=made["Id"], WaiterConfig={"MaxAttempts": 1})
    soon.join()


def test_where_there_is_no_node_a_change_is_in_force_at_once(route53, make_zone, change):
    made = change(make_zone(), ("CREATE", record("www.example.com", "A", "192.0.2.1")))
    route53.get_waiter("resource_record_sets_changed").wait(Id=made["Id"], WaiterConfig={"MaxAttempts": 1})


def test_nodes_are_told_of_zones_and_records_in_dns_words(make_zone, change, fleet, vpc):
    fleet.join()
    zone = make_zone("corp.test", vpc)
    change(zone, ("CREATE", record("*.corp.test", "TXT", '"a\\052"', TTL=5)))
    fleet.tell()
    assert [(item.id, item.name, item.vpcs) for item in fleet.items("Zone")] == [(zone, "corp.test.", (vpc,))]
    found = {item.kind: item for item in fleet.items("RecordSet")}
    assert found.keys() == {"NS", "SOA", "TXT"}
    assert found["TXT"] == RecordSet(
        id=f"{zone}/*.corp.test./TXT/", zone=zone, name="*.corp.test.", kind="TXT", ttl=5, values=('"a*"',)
    )


def test_what_is_gone_is_dropped(route53, make_zone, change, fleet):
    fleet.join()
    zone = make_zone()
    content = record("www.example.com", "A", "192.0.2.1")
    change(zone, ("CREATE", content))
    fleet.tell()
    assert len(fleet.items("RecordSet")) == 3
    change(zone, ("DELETE", content))
    fleet.tell()
    assert len(fleet.items("RecordSet")) == 2
    route53.delete_hosted_zone(Id=zone)
    fleet.tell()
    assert (fleet.items("RecordSet"), fleet.items("Zone")) == ([], [])


def test_a_node_that_joins_late_is_told_everything(make_zone, change, fleet):
    fleet.join("n1")
    zone = make_zone()
    fleet.tell()
    change(zone, ("CREATE", record("www.example.com", "A", "192.0.2.1")))
    fleet.join("n2")
    fleet.tell()
    for kind in ("Zone", "RecordSet"):
        assert fleet.items(kind, "n2") == fleet.items(kind, "n1")
    assert len(fleet.items("RecordSet", "n2")) == 3


def test_an_association_is_told(route53, api, make_zone, fleet, vpc):
    fleet.join()
    zone = make_zone("corp.test", vpc)
    fleet.tell()
    other = api.client("ec2").create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    place = {"VPCRegion": "us-east-1", "VPCId": other}
    route53.associate_vpc_with_hosted_zone(HostedZoneId=zone, VPC=place)
    fleet.tell()
    (told,) = fleet.items("Zone")
    assert isinstance(told, Zone)
    assert set(told.vpcs) == {vpc, other}


def test_many_changes_are_told_in_parts(make_zone, change, fleet):
    fleet.join()
    zone = make_zone()
    for start in (0, 200):
        change(
            zone,
            *[("CREATE", record(f"h{n}.example.com", "A", "192.0.2.1")) for n in range(start, start + 200)],
        )
    fleet.tell()
    assert len(fleet.items("RecordSet")) == 402


def test_numbers_of_changes_never_begin_again(api, route53, make_zone, change, fleet, impatient):
    fleet.join()
    zone = make_zone()
    old = change(zone, ("CREATE", record("a.example.com", "A", "192.0.2.1")))
    fleet.tell()
    fleet.take()

    async def pass_months() -> None:
        async with api.database.transaction() as tx:
            await store.forget(tx, 1e12)

    api.run(pass_months())
    assert status(route53, old) == "INSYNC"
    new = change(zone, ("CREATE", record("b.example.com", "A", "192.0.2.1")))
    assert status(route53, new) == "PENDING"


def test_a_node_that_stays_away_costs_one_row(api, make_zone, change, fleet):
    fleet.join("n1")
    fleet.leave("n1")
    zone = make_zone()
    for number in range(5):
        change(zone, ("UPSERT", record("www.example.com", "A", f"192.0.2.{number}")))
        fleet.tell()

    async def count() -> int:
        async with api.database.snapshot() as tx:
            return (await tx.fetch_one("SELECT COUNT(*) FROM route53_tellings"))[0]

    assert api.run(count()) == 1
