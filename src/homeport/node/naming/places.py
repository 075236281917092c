"""
Where regions are, so that answers can depend on where a question comes from.

Who asks from a VPC is where the VPC's region is, and who asks from the machine where the installation's is.  Latency is
taken for what distance makes of it.
"""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A region's place, as the codes of ISO 3166 and as degrees north and east."""

    continent: str
    country: str
    subdivision: str
    latitude: float
    longitude: float


_REGIONS = """
us-east-1 NA US VA 38.9 -77.4
us-east-2 NA US OH 40.0 -83.0
us-west-1 NA US CA 37.4 -122.0
us-west-2 NA US OR 45.8 -119.7
us-gov-east-1 NA US OH 40.0 -83.0
us-gov-west-1 NA US OR 45.8 -119.7
ca-central-1 NA CA - 45.5 -73.6
ca-west-1 NA CA - 51.0 -114.1
mx-central-1 NA MX - 20.6 -100.4
sa-east-1 SA BR - -23.6 -46.6
eu-west-1 EU IE - 53.3 -6.3
eu-west-2 EU GB - 51.5 -0.1
eu-west-3 EU FR - 48.9 2.3
eu-central-1 EU DE - 50.1 8.7
eu-central-2 EU CH - 47.4 8.5
eu-north-1 EU SE - 59.3 18.1
eu-south-1 EU IT - 45.5 9.2
eu-south-2 EU ES - 41.6 -0.9
eusc-de-east-1 EU DE - 52.4 13.1
af-south-1 AF ZA - -33.9 18.4
me-south-1 AS BH - 26.1 50.6
me-central-1 AS AE - 24.5 54.4
il-central-1 AS IL - 32.1 34.8
ap-south-1 AS IN - 19.1 72.9
ap-south-2 AS IN - 17.4 78.5
ap-east-1 AS HK - 22.3 114.2
ap-east-2 AS TW - 25.0 121.6
ap-northeast-1 AS JP - 35.7 139.7
ap-northeast-2 AS KR - 37.6 127.0
ap-northeast-3 AS JP - 34.7 135.5
ap-southeast-1 AS SG - 1.4 103.8
ap-southeast-2 OC AU - -33.9 151.2
ap-southeast-3 AS ID - -6.2 106.8
ap-southeast-4 OC AU - -37.8 145.0
ap-southeast-5 AS MY - 3.1 101.7
ap-southeast-6 OC NZ - -36.8 174.8
ap-southeast-7 AS TH - 13.8 100.5
cn-north-1 AS CN - 39.9 116.4
cn-northwest-1 AS CN - 38.5 106.2
"""


def _read() -> dict[str, Place]:
    places = {}
    for line in _REGIONS.split("\n")[1:-1]:
        region, continent, country, subdivision, latitude, longitude = line.split()
        places[region] = Place(continent, country, subdivision.strip("-"), float(latitude), float(longitude))
    return places


_PLACES = _read()
_HOME = "us-east-1"


def place_of(region: str) -> Place:
    """Return where a region is; one that is not known is where us-east-1 is."""
    return _PLACES.get(region) or _PLACES[_HOME]


def region_of_domain(domain: str) -> str:
    """Return the region of a VPC by the domain of its private names: "ec2.internal" or "REGION.compute.internal"."""
    region, _, rest = domain.partition(".")
    return region if rest == "compute.internal" else _HOME


def distance(one: Place, other: Place) -> float:
    """Return the angle between two places as seen from the middle of the Earth, in radians."""
    north, south = math.radians(one.latitude), math.radians(other.latitude)
    across = math.radians(other.longitude - one.longitude)
    cosine = math.sin(north) * math.sin(south) + math.cos(north) * math.cos(south) * math.cos(across)
    return math.acos(max(-1.0, min(1.0, cosine)))
