"""The table of instance types against the figures that AWS documents."""

import pytest
from tests.unit.services.ec2.documented_limits import DOCUMENTED_LIMITS

from homeport.services.ec2.instance_types import (
    MAX_BRANCHES,
    InstanceType,
    TrunkLimit,
    find_instance_type,
    find_trunk_limit,
    instance_types,
    task_eni_limit,
)


def _documented() -> dict[str, tuple[str, int, int]]:
    rows = {}
    for line in DOCUMENTED_LIMITS.strip().split("\n"):
        family, _, sizes = line.partition(": ")
        for size, _, figures in (entry.partition("=") for entry in sizes.split()):
            enis, without, trunked = figures.split("/")
            rows[f"{family}.{size}"] = (enis, int(without), int(trunked))
    return rows


DOCUMENTED = _documented()


def get(name: str) -> InstanceType:
    found = find_instance_type(name)
    assert found is not None, name
    return found


def test_all_documented_rows_are_there() -> None:
    assert len(DOCUMENTED) == 435
    assert {name for name, found in instance_types().items() if found.trunk_task_limit is not None} == set(DOCUMENTED)


@pytest.mark.parametrize("name", DOCUMENTED)
def test_the_documented_figures_are_the_table_s(name: str) -> None:
    enis, without, trunked = DOCUMENTED[name]
    found = get(name)
    assert enis in {str(found.max_enis), ""}
    assert (found.task_limit, found.trunk_task_limit) == (without, trunked)
    assert find_trunk_limit(found) == TrunkLimit(trunked, derived=False)
    assert task_eni_limit(found, trunking=False) == without
    assert task_eni_limit(found, trunking=True) == (trunked if trunked > 0 else without)


def test_a_type_without_a_trunk_has_one_interface_less_than_ec2_gives_it() -> None:
    differ = {
        found.name: found.task_limit for found in instance_types().values() if found.task_limit != found.max_enis - 1
    }
    # Two network cards: the documentation prints 13 for what EC2 gives 16 interfaces.
    pairs = [
        f"{family}.{size}" for family in ("c6in", "m6idn", "m6in", "r6idn", "r6in") for size in ("32xlarge", "metal")
    ]
    assert differ == dict.fromkeys(pairs, 13)


@pytest.mark.parametrize(
    "name",
    [
        *("a1.metal", "c5.metal", "c5ad.8xlarge", "c5d.metal", "m5.metal", "p3dn.24xlarge"),
        *("r5.metal", "r5.8xlarge", "r5d.metal"),
        *("c5n.large", "d3.xlarge", "g4dn.xlarge", "i3.large", "i3.metal", "i3en.large", "inf1.xlarge", "m5n.24xlarge"),
        *("m5zn.12xlarge", "mac1.metal", "r5b.large", "r5n.large", "r5dn.large", "z1d.large"),
    ],
)
def test_types_that_ecs_does_not_support_have_no_trunk(name: str) -> None:
    found = get(name)
    assert not found.trunk_capable
    assert find_trunk_limit(found) is None
    assert task_eni_limit(found, trunking=True) == found.task_limit


@pytest.mark.parametrize("family", ["t2", "t3", "t3a", "t4g"])
def test_no_burstable_type_has_a_trunk(family: str) -> None:
    sizes = [found for found in instance_types().values() if found.family == family]
    assert len(sizes) == 7
    assert not any(found.trunk_capable for found in sizes)
    assert all(task_eni_limit(found, trunking=True) == found.max_enis - 1 for found in sizes)


@pytest.mark.parametrize(
    ("name", "without", "trunked"),
    [
        ("t3.nano", 1, 1),
        ("t3a.small", 1, 1),
        ("t3.small", 2, 2),
        ("t3.xlarge", 3, 3),
        ("c5.large", 2, 10),
        ("m6i.8xlarge", 7, 90),
        ("a1.medium", 1, 10),
        ("c7g.medium", 1, 4),
        ("m5zn.3xlarge", 7, 98),
        ("c5a.8xlarge", 7, 60),
        ("u-24tb1.metal", 14, 12),
        ("c6in.32xlarge", 13, 120),
        # Odd, and kept as printed, as far as there is room for a task at all.
        ("i4i.large", 2, 2),
        ("i4i.metal", 14, 498),
        ("trn1n.32xlarge", 79, 242),
    ],
)
def test_task_limits(name: str, without: int, trunked: int) -> None:
    assert task_eni_limit(get(name), trunking=False) == without
    assert task_eni_limit(get(name), trunking=True) == trunked


@pytest.mark.parametrize(
    ("name", "tasks"),
    [("m7i.large", 10), ("c7i-flex.large", 4), ("m8g.medium", 4), ("i7ie.xlarge", 29), ("c7i.metal-48xl", 120)],
)
def test_newer_types_have_a_derived_limit_that_says_so(name: str, tasks: int) -> None:
    assert get(name).trunk_task_limit is None
    assert find_trunk_limit(get(name)) == TrunkLimit(tasks, derived=True)


def test_no_derived_limit_exceeds_the_branches_of_a_trunk() -> None:
    assert (get("p5.48xlarge").trunk_task_limit_derived or 0) > MAX_BRANCHES
    limits = [
        limit for limit in map(find_trunk_limit, instance_types().values()) if limit is not None and limit.derived
    ]
    assert len(limits) > 500
    assert all(0 < limit.tasks <= MAX_BRANCHES for limit in limits)


def test_the_derivation_yields_the_documented_figures() -> None:
    both = [
        (found.trunk_task_limit, found.trunk_task_limit_derived)
        for found in instance_types().values()
        if found.trunk_task_limit is not None and found.trunk_task_limit_derived is not None
    ]
    assert (len(both), sum(documented != derived for documented, derived in both)) == (426, 4)


def test_every_type_has_a_size() -> None:
    assert len(instance_types()) == 1383
    assert all(
        found.vcpus > 0 and found.memory_mib > 0 and found.ipv4_per_eni > 0 for found in instance_types().values()
    )


@pytest.mark.parametrize(
    ("name", "architectures"),
    [
        ("c5.large", ("x86_64",)),
        ("a1.medium", ("arm64",)),
        ("m7gd.large", ("arm64",)),
        ("im4gn.large", ("arm64",)),
        ("is4gen.large", ("arm64",)),
        ("g5g.xlarge", ("arm64",)),
        ("g4dn.xlarge", ("x86_64",)),
        ("gr6.4xlarge", ("x86_64",)),
        ("u-6tb1.56xlarge", ("x86_64",)),
        ("u7in-16tb.224xlarge", ("x86_64",)),
        ("mac1.metal", ("x86_64_mac",)),
        ("mac2-m2pro.metal", ("arm64_mac",)),
        ("t2.micro", ("i386", "x86_64")),
    ],
)
def test_the_family_tells_the_processor(name: str, architectures: tuple[str, ...]) -> None:
    assert get(name).architectures == architectures


def test_an_unknown_type_is_not_found() -> None:
    assert find_instance_type("x9.mega") is None


def test_the_table_is_read_once() -> None:
    assert instance_types() is instance_types()
