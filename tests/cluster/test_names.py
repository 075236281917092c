"""Names declared through Route 53, asked for by tasks and found over real DNS."""

import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from functools import partial
from typing import Any
from uuid import uuid4

import boto3
import pytest
from tests.cluster.conftest import Lab, shell, until
from tests.labs import in_lab

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

# One for each worker: they share a lab, and a VPC can have a zone of a name only once.
ZONE = f"names-{os.environ.get('PYTEST_XDIST_WORKER', 'main')}.test"


@pytest.fixture
def route53() -> Any:
    return boto3.client("route53")


def found_of(name: str) -> set[str]:
    """Return what the machine's own resolver says of a name."""
    try:
        return {str(found[4][0]) for found in socket.getaddrinfo(name, 80)}
    except socket.gaierror:
        return set()


class Zone:
    """A hosted zone, which goes with its record sets when the test ends."""

    def __init__(self, route53: Any, name: str, vpc: str = "") -> None:
        self._route53 = route53
        place = {"VPC": {"VPCRegion": "us-east-1", "VPCId": vpc}} if vpc else {}
        made = route53.create_hosted_zone(Name=name, CallerReference=uuid4().hex, **place)
        self.id = made["HostedZone"]["Id"].rpartition("/")[2]
        self._made: list[dict[str, Any]] = []

    def put(self, name: str, kind: str, *values: str, **routing: Any) -> None:
        """Make a record set and wait until nodes know it."""
        records = [{"Value": value} for value in values]
        record = {"Name": name, "Type": kind, "TTL": 5, "ResourceRecords": records, **routing}
        self._made = [each for each in self._made if _key(each) != _key(record)] + [record]
        self._change("UPSERT", [record])

    def alias(self, name: str, zone: str, target: str) -> None:
        """Make a name stand for a load balancer."""
        alias = {"HostedZoneId": zone, "DNSName": target, "EvaluateTargetHealth": False}
        self._made.append({"Name": name, "Type": "A", "AliasTarget": alias})
        self._change("UPSERT", self._made[-1:])

    def close(self) -> None:
        if self._made:
            self._change("DELETE", self._made)
        self._route53.delete_hosted_zone(Id=self.id)

    def _change(self, action: str, records: list[dict[str, Any]]) -> None:
        batch = {"Changes": [{"Action": action, "ResourceRecordSet": record} for record in records]}
        made = self._route53.change_resource_record_sets(HostedZoneId=self.id, ChangeBatch=batch)
        self._route53.get_waiter("resource_record_sets_changed").wait(Id=made["ChangeInfo"]["Id"])


def _key(record: dict[str, Any]) -> tuple[str, str, str]:
    return record["Name"], record["Type"], record.get("SetIdentifier", "")


@pytest.fixture
def zones(route53: Any, lab: Lab) -> Iterator[tuple[Zone, Zone]]:
    """Make a public zone and a private one of the same name for the default VPC."""
    vpc = lab.subnets()[0]["VpcId"]
    made = Zone(route53, ZONE), Zone(route53, ZONE, vpc)
    yield made
    for zone in made:
        zone.close()


def test_the_labs_own_programs_find_public_zones_and_no_private_one(zones: tuple[Zone, Zone]) -> None:
    public, private = zones
    public.put(f"web.{ZONE}", "A", "192.0.2.1")
    private.put(f"inside.{ZONE}", "A", "10.9.9.1")
    assert {found[4][0] for found in socket.getaddrinfo(f"web.{ZONE}", 80)} == {"192.0.2.1"}
    assert {found[4][0] for found in socket.getaddrinfo("ns-1.dns.homeport.internal", 53)} == {"127.0.0.1"}
    for name in (f"inside.{ZONE}", "elsewhere.test"):
        with pytest.raises(socket.gaierror):
            socket.getaddrinfo(name, 80)


def test_homeport_dns_says_how_names_are_found_and_looks_them_up(zones: tuple[Zone, Zone]) -> None:
    said = subprocess.run(["homeport", "dns"], capture_output=True, text=True, check=True).stdout
    assert "answered at 127.0.0.1, port 53" in said
    assert "nothing is left to do" in said
    zones[0].put(f"text.{ZONE}", "TXT", '"hello"')
    found = subprocess.run(
        ["homeport", "dns", f"text.{ZONE}", "--type", "txt"], capture_output=True, text=True, check=True
    )
    assert found.stdout == f'text.{ZONE}. 5 IN TXT "hello"\n'
    for name, why in ((f"none.{ZONE}", "there is no"), ("example.org", "is in no public hosted zone")):
        failed = subprocess.run(["homeport", "dns", name], capture_output=True, text=True, check=False)
        assert (failed.returncode, why in failed.stderr) == (1, True)


def test_a_name_fails_over_when_its_endpoint_stops_answering(lab: Lab, route53: Any, zones: tuple[Zone, Zone]) -> None:
    group = lab.security_group(port=80)
    web = lab.run(lab.define({"name": "web", "stopTimeout": 2}), groups=[group], public=True)
    lab.running(web)
    address = lab.interface(web)["Association"]["PublicIp"]
    config = {"Type": "HTTP", "IPAddress": address, "Port": 80, "RequestInterval": 10, "FailureThreshold": 1}
    made = route53.create_health_check(CallerReference=uuid4().hex, HealthCheckConfig=config)["HealthCheck"]["Id"]
    public = zones[0]
    role = {"SetIdentifier": "first", "Failover": "PRIMARY", "HealthCheckId": made}
    public.put(f"app.{ZONE}", "A", address, **role)
    public.put(f"app.{ZONE}", "A", "192.0.2.9", SetIdentifier="second", Failover="SECONDARY")

    def status() -> str:
        found = route53.get_health_check_status(HealthCheckId=made)["HealthCheckObservations"]
        return found[0]["StatusReport"]["Status"] if found else ""

    until("the endpoint to be found healthy", lambda: status() == "Success: HTTP Status Code 200, OK")
    until("the name to lead to it", lambda: found_of(f"app.{ZONE}") == {address})
    lab.ecs.stop_task(task=web)
    until("the name to fail over", lambda: found_of(f"app.{ZONE}") == {"192.0.2.9"})
    until("the failure to be told", lambda: status().startswith("Failure: "))
    route53.delete_health_check(HealthCheckId=made)


def test_a_load_balancer_is_found_by_its_name_and_by_an_alias_for_as_long_as_it_is_there(
    lab: Lab, zones: tuple[Zone, Zone]
) -> None:
    elb = boto3.client("elbv2")
    made = elb.create_load_balancer(
        Name=f"t-{uuid4().hex[:12]}",
        Subnets=[subnet["SubnetId"] for subnet in lab.subnets()[:2]],
        SecurityGroups=[lab.security_group(port=80)],
    )["LoadBalancers"][0]
    says = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200", "MessageBody": "here"}}
    arn = made["LoadBalancerArn"]
    elb.create_listener(LoadBalancerArn=arn, Protocol="HTTP", Port=80, DefaultActions=[says])
    elb.get_waiter("load_balancer_available").wait(
        LoadBalancerArns=[arn], WaiterConfig={"Delay": 1, "MaxAttempts": 180}
    )
    zones[0].alias(ZONE, made["CanonicalHostedZoneId"], made["DNSName"])

    def is_here(name: str) -> bool:
        try:
            with urllib.request.urlopen(f"http://{name}/", timeout=30) as answer:
                return bool(answer.read() == b"here")
        except OSError:
            return False

    for name in (made["DNSName"], ZONE):
        until(f"{name} to answer", partial(is_here, name))
    addresses = {str(found[4][0]) for found in socket.getaddrinfo(ZONE, 80)}
    assert addresses == {found[4][0] for found in socket.getaddrinfo(made["DNSName"], 80)}
    assert len(addresses) == 2
    ask = f"nslookup {made['DNSName']}"
    assert all(address in "\n".join(lab.output(shell(ask))) for address in addresses)
    filters = [{"Name": "description", "Values": [f"ELB {arn.partition('loadbalancer/')[2]}"]}]
    elb.delete_load_balancer(LoadBalancerArn=arn)

    def is_nobodys(name: str) -> bool:
        """Look at who holds which addresses first: what was not the load balancer's then must not be found now."""
        interfaces = lab.ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"]
        held = {interface["Association"]["PublicIp"] for interface in interfaces}
        found = found_of(name)
        assert found <= held, "a name points at an address that is not its load balancer's any more"
        return not found

    for name in (made["DNSName"], ZONE):
        until(f"{name} to be nobody's", partial(is_nobodys, name))


def test_explain_name_says_which_zone_and_which_records_answer(lab: Lab, zones: tuple[Zone, Zone]) -> None:
    zones[0].put(f"web.{ZONE}", "A", "192.0.2.1")
    zones[1].put(f"*.{ZONE}", "A", "10.9.9.1")
    vpc = lab.subnets()[0]["VpcId"]
    for more, expected in (((), "  192.0.2.1"), (("--vpc", vpc), "  10.9.9.1")):
        command = ["homeport", "explain", "name", f"web.{ZONE}", *more]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
        assert said[-1] == expected


def test_names_need_no_server_and_outlive_the_node() -> None:
    """In a lab of its own: what it kills is everybody's."""
    in_lab(sys.executable, "-m", "tests.fault.names", timeout=600)


def test_a_task_finds_what_the_private_zone_says_and_what_it_says_next(lab: Lab, zones: tuple[Zone, Zone]) -> None:
    public, private = zones
    public.put(f"web.{ZONE}", "A", "192.0.2.1")
    private.put(f"web.{ZONE}", "A", "10.9.9.1")
    private.put(f"*.any.{ZONE}", "CNAME", f"web.{ZONE}")
    ask = f"nslookup web.{ZONE}; nslookup x.any.{ZONE}; nslookup none.{ZONE}"
    first = "\n".join(lab.output(shell(ask)))
    assert first.count("Address: 10.9.9.1") >= 2
    assert "192.0.2.1" not in first
    assert f"can't find none.{ZONE}: NXDOMAIN" in first
    private.put(f"web.{ZONE}", "A", "10.9.9.2")
    assert "Address: 10.9.9.2" in "\n".join(lab.output(shell(f"nslookup web.{ZONE}")))
