"""The regions and availability zones there are: AWS's names, three zones each."""

from dataclasses import dataclass

ZONE_LETTERS = ("a", "b", "c")


@dataclass(frozen=True, slots=True)
class Region:
    """A region; *zone_prefix* begins its zones' ids, *opt_in* says whether AWS has an account opt in to it."""

    name: str
    zone_prefix: str
    long_name: str
    opt_in: bool = False


@dataclass(frozen=True, slots=True)
class Zone:
    """An availability zone."""

    name: str
    id: str
    region: str


REGIONS = {
    region.name: region
    for region in (
        Region("af-south-1", "afs1", "Africa (Cape Town)", opt_in=True),
        Region("ap-east-1", "ape1", "Asia Pacific (Hong Kong)", opt_in=True),
        Region("ap-east-2", "ape2", "Asia Pacific (Taipei)", opt_in=True),
        Region("ap-northeast-1", "apne1", "Asia Pacific (Tokyo)"),
        Region("ap-northeast-2", "apne2", "Asia Pacific (Seoul)"),
        Region("ap-northeast-3", "apne3", "Asia Pacific (Osaka)"),
        Region("ap-south-1", "aps1", "Asia Pacific (Mumbai)"),
        Region("ap-south-2", "aps2", "Asia Pacific (Hyderabad)", opt_in=True),
        Region("ap-southeast-1", "apse1", "Asia Pacific (Singapore)"),
        Region("ap-southeast-2", "apse2", "Asia Pacific (Sydney)"),
        Region("ap-southeast-3", "apse3", "Asia Pacific (Jakarta)", opt_in=True),
        Region("ap-southeast-4", "apse4", "Asia Pacific (Melbourne)", opt_in=True),
        Region("ap-southeast-5", "apse5", "Asia Pacific (Malaysia)", opt_in=True),
        Region("ap-southeast-6", "apse6", "Asia Pacific (New Zealand)", opt_in=True),
        Region("ap-southeast-7", "apse7", "Asia Pacific (Thailand)", opt_in=True),
        Region("ca-central-1", "cac1", "Canada (Central)"),
        Region("ca-west-1", "caw1", "Canada West (Calgary)", opt_in=True),
        Region("eu-central-1", "euc1", "Europe (Frankfurt)"),
        Region("eu-central-2", "euc2", "Europe (Zurich)", opt_in=True),
        Region("eu-north-1", "eun1", "Europe (Stockholm)"),
        Region("eu-south-1", "eus1", "Europe (Milan)", opt_in=True),
        Region("eu-south-2", "eus2", "Europe (Spain)", opt_in=True),
        Region("eu-west-1", "euw1", "Europe (Ireland)"),
        Region("eu-west-2", "euw2", "Europe (London)"),
        Region("eu-west-3", "euw3", "Europe (Paris)"),
        Region("il-central-1", "ilc1", "Israel (Tel Aviv)", opt_in=True),
        Region("me-central-1", "mec1", "Middle East (UAE)", opt_in=True),
        Region("me-south-1", "mes1", "Middle East (Bahrain)", opt_in=True),
        Region("mx-central-1", "mxc1", "Mexico (Central)", opt_in=True),
        Region("sa-east-1", "sae1", "South America (Sao Paulo)"),
        Region("us-east-1", "use1", "US East (N. Virginia)"),
        Region("us-east-2", "use2", "US East (Ohio)"),
        Region("us-west-1", "usw1", "US West (N. California)"),
        Region("us-west-2", "usw2", "US West (Oregon)"),
    )
}


def zones(region: str) -> tuple[Zone, ...]:
    """Return the region's availability zones in alphabetical order."""
    prefix = REGIONS[region].zone_prefix
    return tuple(
        Zone(f"{region}{letter}", f"{prefix}-az{number}", region) for number, letter in enumerate(ZONE_LETTERS, 1)
    )


def zone_id(zone: str) -> str:
    """Return the id of the zone called *zone*: us-east-1a is use1-az1."""
    return f"{REGIONS[zone[:-1]].zone_prefix}-az{ZONE_LETTERS.index(zone[-1]) + 1}"


def internal_domain(region: str) -> str:
    """Return the domain of private DNS names in the region."""
    return "ec2.internal" if region == "us-east-1" else f"{region}.compute.internal"
