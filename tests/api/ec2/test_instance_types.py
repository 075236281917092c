"""DescribeInstanceTypes and DescribeInstanceTypeOfferings."""

import pytest

from .conftest import only, refused


def names(answer):
    return [found["InstanceType"] for found in answer["InstanceTypes"]]


def test_a_type_is_described(ec2):
    [found] = ec2.describe_instance_types(InstanceTypes=["c5.large"])["InstanceTypes"]
    assert found == {
        "InstanceType": "c5.large",
        "BareMetal": False,
        "BurstablePerformanceSupported": False,
        "ProcessorInfo": {"SupportedArchitectures": ["x86_64"]},
        "VCpuInfo": {"DefaultVCpus": 2},
        "MemoryInfo": {"SizeInMiB": 4096},
        "NetworkInfo": {"MaximumNetworkInterfaces": 3, "Ipv4AddressesPerInterface": 10},
    }


@pytest.mark.parametrize("unknown", ["x9.mega", "g2.2xlarge"])  # one nobody knows, one of AWS's that is not here
def test_types_that_do_not_exist_are_refused(ec2, unknown):
    with refused("InvalidInstanceType", f"The following supplied instance types do not exist: [{unknown}]"):
        ec2.describe_instance_types(InstanceTypes=["c5.large", unknown])


def test_all_unknown_types_are_named(ec2):
    with refused("InvalidInstanceType", "The following supplied instance types do not exist: [x9.mega, x9.giga]"):
        ec2.describe_instance_types(InstanceTypes=["x9.mega", "c5.large", "x9.giga"])


def test_other_mistakes_keep_their_errors(ec2, api):
    with refused("InvalidParameterValue"):
        api.client("ec2", validate=False).describe_instance_types(MaxResults=101)
    with refused("InvalidParameterCombination"):
        ec2.describe_instance_types(InstanceTypes=["c5.large"], MaxResults=5)
    with refused("InvalidParameterValue", "The filter 'colour' is invalid"):
        ec2.describe_instance_types(Filters=only("colour", "red"))


def test_pages_hold_every_type_once(ec2):
    pages = list(ec2.get_paginator("describe_instance_types").paginate())
    assert {len(page["InstanceTypes"]) for page in pages[:-1]} == {100}
    found = [name for page in pages for name in names(page)]
    assert len(found) == len(set(found)) == 1383


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("instance-type", ["c5.larg?", "t3.nano"], {"c5.large", "t3.nano"}),
        ("vcpu-info.default-vcpus", ["448"], None),
        ("memory-info.size-in-mib", ["512"], {"t2.nano", "t3.nano", "t3a.nano", "t4g.nano"}),
        ("processor-info.supported-architecture", ["x86_64_mac"], {"mac1.metal"}),
        ("burstable-performance-supported", ["true"], None),
        ("network-info.maximum-network-interfaces", ["60"], None),
        ("network-info.ipv4-addresses-per-interface", ["2"], None),
        ("bare-metal", ["true"], None),
    ],
)
def test_filters(ec2, name, values, expected):
    found = ec2.describe_instance_types(Filters=only(name, *values))
    everything = [
        one for page in ec2.get_paginator("describe_instance_types").paginate() for one in page["InstanceTypes"]
    ]
    assert 0 < len(found["InstanceTypes"]) < len(everything)
    if expected is not None:
        assert set(names(found)) == expected


def test_filters_look_at_what_they_name(ec2):
    wanted = [
        *only("instance-type", "m5*.metal", "c5.large"),
        *only("bare-metal", "true"),
        *only("network-info.maximum-network-interfaces", "15"),
    ]
    found = names(ec2.describe_instance_types(Filters=wanted))
    assert found == ["m5.metal", "m5d.metal", "m5dn.metal", "m5n.metal", "m5zn.metal"]


def test_every_type_is_offered_in_every_zone(ec2):
    wanted = only("instance-type", "c5.large")
    for location_type, locations in [
        ("region", ["us-east-1"]),
        ("availability-zone", ["us-east-1a", "us-east-1b", "us-east-1c"]),
        ("availability-zone-id", ["use1-az1", "use1-az2", "use1-az3"]),
    ]:
        answer = ec2.describe_instance_type_offerings(LocationType=location_type, Filters=wanted)
        assert answer["InstanceTypeOfferings"] == [
            {"InstanceType": "c5.large", "LocationType": location_type, "Location": location} for location in locations
        ]
    assert not ec2.describe_instance_type_offerings(LocationType="outpost")["InstanceTypeOfferings"]


def test_offerings_come_in_pages(ec2):
    pages = list(
        ec2.get_paginator("describe_instance_type_offerings").paginate(
            LocationType="availability-zone", Filters=only("location", "us-east-1b")
        )
    )
    assert [len(page["InstanceTypeOfferings"]) for page in pages] == [1000, 383]
    assert {one["Location"] for page in pages for one in page["InstanceTypeOfferings"]} == {"us-east-1b"}


def test_a_token_serves_the_operation_that_gave_it(ec2):
    token = ec2.describe_instance_types(MaxResults=5)["NextToken"]
    with refused("InvalidNextToken"):
        ec2.describe_instance_type_offerings(NextToken=token)


def test_a_dry_run_says_that_it_would_have_succeeded(ec2):
    with refused("DryRunOperation"):
        ec2.describe_instance_types(DryRun=True)
