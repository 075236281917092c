"""Regions, availability zones, and what an account is allowed."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from homeport.aws.call import Call
from homeport.services.ec2 import errors, regions
from homeport.services.ec2.handlers.catalogues import Reader, passing
from homeport.services.ec2.handlers.documents import Documents
from homeport.services.ec2.model import GROUPS_PER_INTERFACE
from homeport.services.ec2.service import ec2
from homeport.services.ec2.store import vpcs
from homeport.services.ec2.views import View

#: What DescribeAccountAttributes says beside the default VPC.
ACCOUNT_ATTRIBUTES = {
    "vpc-max-security-groups-per-interface": str(GROUPS_PER_INTERFACE),
    "max-instances": "0",
    "supported-platforms": "VPC",
    "max-elastic-ips": "0",
    "vpc-max-elastic-ips": "0",
}


@ec2.operation("DescribeRegions", reads=True)
async def describe_regions(
    call: Call,  # noqa: ARG001 - every region can be used, from every region
    *,
    region_names: Sequence[str] = (),
    all_regions: bool = False,
    filters: Documents = (),
) -> dict[str, Any]:
    # Every region works here without opting in, so the list of those that do is the list of all.
    del all_regions
    for name in region_names:
        if name not in regions.REGIONS:
            raise errors.InvalidParameterValue(f"Invalid region provided: {name}")
    shown = [region for region in regions.REGIONS.values() if not region_names or region.name in region_names]
    fields: Mapping[str, Reader[regions.Region]] = {
        "endpoint": lambda region: (f"ec2.{region.name}.amazonaws.com",),
        "opt-in-status": lambda region: (_opt_in(region),),
        "region-name": lambda region: (region.name,),
    }
    return {"Regions": [_region_view(region) for region in passing(shown, filters, fields)]}


def _opt_in(region: regions.Region) -> str:
    return "opted-in" if region.opt_in else "opt-in-not-required"


def _region_view(region: regions.Region) -> View:
    return {
        "RegionName": region.name,
        "Endpoint": f"ec2.{region.name}.amazonaws.com",
        "OptInStatus": _opt_in(region),
    }


@ec2.operation("DescribeAvailabilityZones", reads=True)
async def describe_availability_zones(
    call: Call,
    *,
    zone_names: Sequence[str] = (),
    zone_ids: Sequence[str] = (),
    all_availability_zones: bool = False,
    filters: Documents = (),
) -> dict[str, Any]:
    del all_availability_zones  # there are no local zones to leave out
    zones = regions.zones(call.region)
    _check_known("availability zone", zone_names, [zone.name for zone in zones])
    _check_known("availability zone", zone_ids, [zone.id for zone in zones])
    shown = [
        zone for zone in zones if (not zone_names or zone.name in zone_names) and (not zone_ids or zone.id in zone_ids)
    ]
    fields: Mapping[str, Reader[regions.Zone]] = {
        "group-name": lambda zone: (_zone_group(zone),),
        "opt-in-status": lambda _: ("opt-in-not-required",),
        "region-name": lambda zone: (zone.region,),
        "state": lambda _: ("available",),
        "zone-id": lambda zone: (zone.id,),
        "zone-name": lambda zone: (zone.name,),
        "zone-type": lambda _: ("availability-zone",),
    }
    return {"AvailabilityZones": [_zone_view(zone) for zone in passing(shown, filters, fields)]}


def _check_known(noun: str, wanted: Sequence[str], known: Collection[str]) -> None:
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise errors.InvalidParameterValue(f"Invalid {noun}: [{', '.join(unknown)}]")


def _zone_group(zone: regions.Zone) -> str:
    return f"{zone.region}-zg-1"


def _zone_view(zone: regions.Zone) -> View:
    return {
        "ZoneName": zone.name,
        "ZoneId": zone.id,
        "ZoneType": "availability-zone",
        "RegionName": zone.region,
        "GroupName": _zone_group(zone),
        "GroupLongName": f"{regions.REGIONS[zone.region].long_name} 1",
        "NetworkBorderGroup": zone.region,
        "OptInStatus": "opt-in-not-required",
        "State": "available",
        "Messages": [],
    }


@ec2.operation("DescribeAccountAttributes", reads=True)
async def describe_account_attributes(call: Call, *, attribute_names: Sequence[str] = ()) -> dict[str, Any]:
    default = await vpcs.find_default_vpc(call.tx, call.region)
    attributes = {"default-vpc": "none" if default is None else default.id, **ACCOUNT_ATTRIBUTES}
    for name in attribute_names:
        if name not in attributes:
            raise errors.bad_value(name, "attributeName", "Unknown attribute.")
    return {
        "AccountAttributes": [
            {"AttributeName": name, "AttributeValues": [{"AttributeValue": value}]}
            for name, value in attributes.items()
            if not attribute_names or name in attribute_names
        ]
    }
