"""Instance types and where they are offered: all of AWS's, and the nodes that are connected, everywhere."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from homeport.aws.call import Call
from homeport.fleet import assignments
from homeport.services.ec2 import errors, regions
from homeport.services.ec2.handlers.catalogues import Reader, page_of, passing
from homeport.services.ec2.handlers.documents import Documents
from homeport.services.ec2.instance_types import InstanceType, instance_types
from homeport.services.ec2.service import ec2
from homeport.services.ec2.store.instances import type_of
from homeport.services.ec2.views import View

TYPES_PER_PAGE = 100
OFFERINGS_PER_PAGE = 1000


def _truth(value: object) -> str:
    return "true" if value else "false"


_TYPE_FIELDS: Mapping[str, Reader[InstanceType]] = {
    "bare-metal": lambda found: (_truth(found.bare_metal),),
    "burstable-performance-supported": lambda found: (_truth(found.burstable),),
    "instance-type": lambda found: (found.name,),
    "memory-info.size-in-mib": lambda found: (str(found.memory_mib),),
    "network-info.ipv4-addresses-per-interface": lambda found: (str(found.ipv4_per_eni),),
    "network-info.maximum-network-interfaces": lambda found: (str(found.max_enis),),
    "processor-info.supported-architecture": lambda found: found.architectures,
    "vcpu-info.default-vcpus": lambda found: (str(found.vcpus),),
}


# IncludeUnsupportedInRegion: every type is supported in every region.
@ec2.operation("DescribeInstanceTypes", reads=True, ignores=("IncludeUnsupportedInRegion",))
async def describe_instance_types(
    call: Call,
    *,
    instance_types: Sequence[str] = (),
    filters: Documents = (),
    max_results: int | None = None,
    next_token: str | None = None,
) -> dict[str, Any]:
    if instance_types and max_results is not None:
        raise errors.InvalidParameterCombination(
            "The parameter MaxResults cannot be used with a list of instance types in the same request."
        )
    return page_of(
        passing(_named(instance_types, await _known(call)), filters, _TYPE_FIELDS),
        _type_view,
        "InstanceTypes",
        key=lambda found: found.name,
        size=max_results or TYPES_PER_PAGE,
        next_token=next_token,
    )


async def _known(call: Call) -> dict[str, InstanceType]:
    """Return AWS's types and those that stand for connected nodes, by name."""
    machines = [type_of(node) for node in await assignments.nodes(call.tx) if node.connected]
    return dict(sorted({**instance_types(), **{machine.name: machine for machine in machines}}.items()))


def _named(names: Sequence[str], known: Mapping[str, InstanceType]) -> list[InstanceType]:
    """Return those of the *known* types that are called *names*, or all of them."""
    if unknown := [name for name in names if name not in known]:
        raise errors.no_such_instance_types(unknown)
    return [found for name, found in known.items() if not names or name in names]


def _type_view(found: InstanceType) -> View:
    return {
        "InstanceType": found.name,
        "BareMetal": found.bare_metal,
        "BurstablePerformanceSupported": found.burstable,
        "ProcessorInfo": {"SupportedArchitectures": list(found.architectures)},
        "VCpuInfo": {"DefaultVCpus": found.vcpus},
        "MemoryInfo": {"SizeInMiB": found.memory_mib},
        "NetworkInfo": {
            "MaximumNetworkInterfaces": found.max_enis,
            "Ipv4AddressesPerInterface": found.ipv4_per_eni,
        },
    }


class _Offering(NamedTuple):
    instance_type: str
    location: str


_OFFERING_FIELDS: Mapping[str, Reader[_Offering]] = {
    "instance-type": lambda offering: (offering.instance_type,),
    "location": lambda offering: (offering.location,),
}


@ec2.operation("DescribeInstanceTypeOfferings", reads=True)
async def describe_instance_type_offerings(
    call: Call,
    *,
    location_type: str = "region",
    filters: Documents = (),
    max_results: int | None = None,
    next_token: str | None = None,
) -> dict[str, Any]:
    locations = _locations(call.region, location_type)
    offerings = [_Offering(name, location) for name in await _known(call) for location in locations]
    return page_of(
        passing(offerings, filters, _OFFERING_FIELDS),
        lambda offering: {
            "InstanceType": offering.instance_type,
            "LocationType": location_type,
            "Location": offering.location,
        },
        "InstanceTypeOfferings",
        key=" ".join,
        size=max_results or OFFERINGS_PER_PAGE,
        next_token=next_token,
    )


def _locations(region: str, location_type: str) -> list[str]:
    match location_type:
        case "availability-zone":
            return [zone.name for zone in regions.zones(region)]
        case "availability-zone-id":
            return [zone.id for zone in regions.zones(region)]
        case "outpost":
            return []
        case _:
            return [region]
