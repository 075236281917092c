"""What `homeport explain name` asks the API for."""

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from homeport.cli.client import Clients, complain
from homeport.cli.explain.names import Contents, Question, Zones, explain_elsewhere, explain_name, known_kind
from homeport.cli.net.reading import every
from homeport.services.route53.names import BadName, canonical_name


def explain_lookup(name: str, kind: str, vpc: str) -> int:
    """Explain a name."""
    if not known_kind(kind.upper()):
        return complain(f"there is no type {kind}")
    try:
        question = Question(canonical_name(name), kind.upper(), vpc)
    except BadName as problem:
        return complain(f"{name} is no name: {problem}")
    clients = Clients()
    try:
        lines = list(_lines(clients.client("route53"), clients.region, question))
    except (BotoCoreError, ClientError) as error:
        return complain(error)
    print("\n".join(lines))
    return 0


def _lines(route53: Any, region: str, question: Question) -> Iterator[str]:
    zones = read_zones(route53, region, question.vpc)
    private, public = zones.place(question)
    zone = private or public
    if not zone:
        yield explain_elsewhere(question)
        return
    yield from explain_name(question, zones, read_contents(route53, zone))


def read_zones(route53: Any, region: str, vpc: str) -> Zones:
    """Ask for the zones that a VPC, or the machine, is answered from."""
    listed = every(route53, "list_hosted_zones", "HostedZones")
    public = [zone for zone in listed if not zone["Config"]["PrivateZone"]]
    if not vpc:
        return Zones(public=public)
    private, token = [], None
    while True:
        more: dict[str, str] = {"NextToken": token} if token else {}
        page = route53.list_hosted_zones_by_vpc(VPCId=vpc, VPCRegion=region, **more)
        private += [{"Id": zone["HostedZoneId"], "Name": zone["Name"]} for zone in page["HostedZoneSummaries"]]
        token = page.get("NextToken")
        if not token:
            return Zones(private, public)


def read_contents(route53: Any, zone: str) -> Contents:
    """Ask for a zone's record sets, and for what their health checks have found."""
    record_sets = every(route53, "list_resource_record_sets", "ResourceRecordSets", HostedZoneId=zone)
    checks = {each["HealthCheckId"] for each in record_sets if "HealthCheckId" in each}
    return Contents(zone, record_sets, {check: _found(route53, check) for check in checks})


def _found(route53: Any, check: str) -> str:
    try:
        found = route53.get_health_check_status(HealthCheckId=check)["HealthCheckObservations"]
    except ClientError:  # reckoned from others, or gone
        return "its state cannot be had"
    return str(found[0]["StatusReport"]["Status"]) if found else ""
