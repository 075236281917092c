"""Networks of every kind that a region can have."""

from dataclasses import replace

from hypothesis import strategies as st

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

GROUPS = ("sg-1", "sg-2", "sg-3")
PORTS = (80, 81, 32768, 32769)

ports = st.sampled_from(PORTS)
rules = st.builds(
    lambda protocol, low, high, peer: Rule(
        protocol,
        *((-1, -1) if protocol == "-1" else (min(low, high), max(low, high))),
        **({"group": peer} if peer.startswith("sg") else {"cidr": peer}),
    ),
    st.sampled_from(("-1", "tcp", "tcp", "udp", "17")),
    ports,
    ports,
    st.sampled_from((*GROUPS, "0.0.0.0/0", "10.0.0.0/16", "10.0.1.0/24", "10.0.1.10/32", "198.18.0.0/16")),
)


@st.composite
def models(draw: st.DrawFn) -> Model:
    def some_groups() -> tuple[str, ...]:
        return tuple(draw(st.lists(st.sampled_from(GROUPS), min_size=1, max_size=2, unique=True)))

    def public(number: int) -> str:
        return f"198.18.0.{number}" if draw(st.booleans()) else ""

    enis: dict[str, Eni] = {}
    instances: dict[str, Instance] = {}
    tasks: dict[str, Task] = {}
    for number in (1, 2):
        instance = f"i-{number}"
        subnet = draw(st.sampled_from(("subnet-1", "subnet-2")))
        address = f"10.0.{subnet[-1]}.{10 * number}"
        eni = Eni(
            f"eni-{number}",
            subnet,
            "vpc-1",
            address,
            groups=some_groups(),
            instance=instance,
            public=public(10 * number),
        )
        enis[eni.id] = eni
        running = draw(st.sampled_from((True, True, True, False)))
        instances[instance] = Instance(
            instance, "c5.large", subnet, "vpc-1", eni.id, running=running, state="running" if running else "stopped"
        )
        host_ports = draw(st.lists(st.sampled_from((32768, 32769)), max_size=2, unique=True))
        bridge = Task(
            f"bridge{number}",
            "default",
            "bridge:1",
            Mode.BRIDGE,
            instance=instance,
            containers=(
                Container("web", bindings=tuple(Binding(80 + place, port) for place, port in enumerate(host_ports))),
                Container("side"),
            ),
        )
        alone = Task(
            f"alone{number}", "default", "none:1", Mode.NONE, instance=instance, containers=(Container("main"),)
        )
        host = Task(f"host{number}", "default", "host:1", Mode.HOST, instance=instance, containers=(Container("main"),))
        tasks |= {task.id: task for task in (bridge, alone, host)}
    first = instances["i-1"]
    trunk = draw(st.booleans())
    if trunk:
        address = f"10.0.{first.subnet[-1]}.50"
        enis["eni-t"] = Eni(
            "eni-t",
            first.subnet,
            "vpc-1",
            address,
            groups=some_groups(),
            kind=Kind.TRUNK,
            instance="i-1",
            device_index=1,
        )
    for number in (3, 4):
        vpc, subnet = draw(st.sampled_from((("vpc-1", "subnet-1"), ("vpc-1", "subnet-2"), ("vpc-2", "subnet-3"))))
        address = f"10.{vpc[-1] != '1':d}.{subnet[-1]}.{10 * number}"
        on = draw(st.sampled_from(("", "i-1"))) if vpc == "vpc-1" else ""
        task = Task(f"task{number}", "default", "vpc:1", Mode.AWSVPC, instance=on, eni=f"eni-{number}")
        tasks[task.id] = task
        eni = Eni(
            task.eni,
            subnet,
            vpc,
            address,
            groups=some_groups(),
            public=public(10 * number),
            instance=on,
            task=task.id,
        )
        branch = replace(eni, kind=Kind.BRANCH, trunk="eni-t", vlan=number)
        enis[task.eni] = branch if on and trunk else eni
    leads_out = draw(st.sampled_from(("igw-1", "igw-1", "igw-gone", "")))
    default = (Route("0.0.0.0/0", leads_out),) if leads_out else ()
    groups = {
        id_: Group(id_, "vpc-1", "", tuple(draw(st.lists(rules, max_size=3))), tuple(draw(st.lists(rules, max_size=3))))
        for id_ in GROUPS
    }
    return Model(
        vpcs={"vpc-1": Vpc("vpc-1", "10.0.0.0/16"), "vpc-2": Vpc("vpc-2", "10.1.0.0/16")},
        subnets={
            f"subnet-{n}": Subnet(f"subnet-{n}", f"vpc-{1 + n // 3}", f"10.{n // 3}.{n}.0/24", "us-east-1a")
            for n in (1, 2, 3)
        },
        tables={
            "rtb-1": RouteTable("rtb-1", "vpc-1", (Route("10.0.0.0/16", "local"), *default), main=True),
            "rtb-2": RouteTable("rtb-2", "vpc-1", (Route("10.0.0.0/16", "local"),), subnets=("subnet-2",)),
            "rtb-3": RouteTable("rtb-3", "vpc-2", (Route("10.1.0.0/16", "local"),), main=True),
        },
        gateways={"igw-1": Gateway("igw-1", "vpc-1")} if draw(st.booleans()) else {},
        groups=groups,
        enis=enis,
        instances=instances,
        tasks=tasks,
    )
