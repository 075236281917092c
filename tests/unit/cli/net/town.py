"""A network with one of each: what the tests of `homeport net` look at."""

from dataclasses import replace

from homeport.cli.net.model import (
    Binding,
    Container,
    Eni,
    Gateway,
    Group,
    Instance,
    Kind,
    Mode,
    Model,
    Route,
    RouteTable,
    Rule,
    Subnet,
    Task,
    Vpc,
)

EVERYTHING = Rule(cidr="0.0.0.0/0")
OUT = (EVERYTHING,)


def tcp(port: int, *, cidr: str = "", group: str = "", to: int = 0) -> Rule:
    return Rule("tcp", port, to or port, cidr, group)


def by_id(*items):
    return {item.id: item for item in items}


def task(id_: str, mode: Mode, *containers: Container, **members) -> Task:
    return Task(id_ * 32, "default", f"{id_}:1", mode, containers=containers, **members)


VPC = Vpc("vpc-1", "10.0.0.0/16", "main", is_default=True)
OTHER = Vpc("vpc-2", "10.1.0.0/16")

#: Two instances with everything on the first: bridge, host, none, a task's own interface, a trunk with a branch.
TOWN = Model(
    vpcs=by_id(VPC, OTHER),
    subnets=by_id(
        Subnet("subnet-a", "vpc-1", "10.0.1.0/24", "us-east-1a"),
        Subnet("subnet-b", "vpc-1", "10.0.2.0/24", "us-east-1b"),
        Subnet("subnet-x", "vpc-2", "10.1.1.0/24", "us-east-1a"),
    ),
    tables=by_id(
        RouteTable("rtb-1", "vpc-1", (Route("10.0.0.0/16", "local"), Route("0.0.0.0/0", "igw-1")), main=True),
        RouteTable("rtb-2", "vpc-1", (Route("10.0.0.0/16", "local"),), subnets=("subnet-b",)),
        RouteTable("rtb-3", "vpc-2", (Route("10.1.0.0/16", "local"),), main=True),
    ),
    gateways=by_id(Gateway("igw-1", "vpc-1")),
    groups=by_id(
        Group("sg-host", "vpc-1", "host", (tcp(30000, to=40000, cidr="10.0.0.0/16"),), OUT),
        Group("sg-web", "vpc-1", "web", (tcp(80, cidr="0.0.0.0/0"),), OUT),
        Group("sg-db", "vpc-1", "db", (tcp(5432, group="sg-web"),), OUT),
        Group("sg-shut", "vpc-1", "shut", (), ()),
        Group("sg-other", "vpc-2", "other", (EVERYTHING,), OUT),
    ),
    enis=by_id(
        Eni("eni-1", "subnet-a", "vpc-1", "10.0.1.10", groups=("sg-host",), public="198.18.0.10", instance="i-1"),
        Eni("eni-2", "subnet-a", "vpc-1", "10.0.1.20", groups=("sg-host",), instance="i-2"),
        Eni("eni-3", "subnet-a", "vpc-1", "10.0.1.30", groups=("sg-web",), instance="i-1", task="a" * 32),
        Eni("eni-t", "subnet-a", "vpc-1", "10.0.1.40", groups=("sg-shut",), kind=Kind.TRUNK, instance="i-1"),
        Eni(
            "eni-b",
            "subnet-a",
            "vpc-1",
            "10.0.1.41",
            groups=("sg-db",),
            kind=Kind.BRANCH,
            instance="i-1",
            task="d" * 32,
            trunk="eni-t",
            vlan=7,
        ),
        Eni("eni-f", "subnet-b", "vpc-1", "10.0.2.50", groups=("sg-web",), public="198.18.0.50", task="f" * 32),
        Eni("eni-free", "subnet-a", "vpc-1", "10.0.1.60", groups=("sg-web",), attached=False),
        Eni("eni-x", "subnet-x", "vpc-2", "10.1.1.10", groups=("sg-other",), task="9" * 32),
    ),
    instances=by_id(
        Instance("i-1", "c5.large", "subnet-a", "vpc-1", "eni-1", enis=3, branches=10, cluster="default"),
        Instance("i-2", "c5.large", "subnet-a", "vpc-1", "eni-2", enis=3),
    ),
    tasks=by_id(
        task("a", Mode.AWSVPC, Container("web", ports=((80, "tcp"),)), instance="i-1", eni="eni-3"),
        task(
            "b",
            Mode.BRIDGE,
            Container(
                "web", ports=((80, "tcp"),), bindings=(Binding(80, 32768), Binding(9000, 33000, "tcp", 9002, 33002))
            ),
            Container("side"),
            instance="i-1",
        ),
        task("c", Mode.HOST, Container("main", ports=((8080, "tcp"),)), instance="i-1"),
        task("d", Mode.AWSVPC, Container("db", ports=((5432, "tcp"),)), instance="i-1", eni="eni-b"),
        task("e", Mode.NONE, Container("batch"), instance="i-1"),
        task("f", Mode.AWSVPC, Container("web", ports=((80, "tcp"),)), Container("side"), eni="eni-f"),
        task("9", Mode.AWSVPC, Container("other"), eni="eni-x"),
    ),
)


def with_groups(**rules: tuple[tuple[Rule, ...], tuple[Rule, ...]]) -> Model:
    """Return the town with other rules (ingress, egress) in some groups, named without their `sg-`."""
    changed = {
        f"sg-{name}": replace(TOWN.groups[f"sg-{name}"], ingress=ingress, egress=egress)
        for name, (ingress, egress) in rules.items()
    }
    return replace(TOWN, groups={**TOWN.groups, **changed})


def with_eni(id_: str, **members) -> Model:
    return replace(TOWN, enis={**TOWN.enis, id_: replace(TOWN.enis[id_], **members)})


def with_task(letter: str, **members) -> Model:
    id_ = letter * 32
    return replace(TOWN, tasks={**TOWN.tasks, id_: replace(TOWN.tasks[id_], **members)})


def with_instance(id_: str, **members) -> Model:
    return replace(TOWN, instances={**TOWN.instances, id_: replace(TOWN.instances[id_], **members)})
