"""Whatever the network was, and wherever we were killed, it becomes what is desired."""

import asyncio
import difflib
import json
import os
import random
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.kernel.network.vpclab import (
    ALL,
    Item,
    Lab,
    attached,
    branch,
    make_group,
    make_interface,
    make_vpc,
    network,
    talks,
)

from homeport.network import kernel, place
from homeport.network.desired import Binding, Group, Host, Interface, Network, Rule, Sandbox, Vpc
from homeport.network.kernel import KernelNetwork
from homeport.network.namespaces import Namespaces
from homeport.network.netlink import Netlink

pytestmark = [pytest.mark.kernel, pytest.mark.slow]

PORTS = ((80, 80), (0, 65535), (-1, -1), (1000, 2000), (53, 53))
CIDRS = ("0.0.0.0/0", "10.0.0.0/8", "10.0.1.0/24", "10.0.1.12/32", "10.0.0.0/13", "::/0")
VOLATILE = {"handle", "ifindex", "index", "link_index", "link_netnsid", "operstate", "metainfo"}
VOLATILE |= {"hello_timer", "tcn_timer", "topology_change_timer", "gc_timer"}  # of bridges, and of their ports:
VOLATILE |= {"id", "no", "designated_port", "message_age_timer", "forward_delay_timer", "hold_timer", "port_id"}
VOLATILE |= {"tso_max_size", "tso_max_segs", "gso_max_size", "gso_ipv4_max_size"}  # a bridge takes its ports'
VOLATILE |= {"fdb_n_learned", "link"}  # what a branch lies upon is named by its namespace's number
BACKGROUND = {"LOWER_UP", "NO-CARRIER", "linkdown"}  # flags that follow in the kernel's own time


def some_rules(dice: random.Random) -> tuple[Rule, ...]:
    rules = []
    for _ in range(dice.randrange(5)):
        protocol = dice.choice(("", "tcp", "udp", "icmp", "icmpv6", "50"))
        low, high = dice.choice(PORTS)
        if protocol == "icmp":
            low, high = dice.choice(((-1, -1), (8, -1), (8, 0), (3, 4)))
        if dice.random() < 0.4:
            rules.append(Rule(protocol, low, high, group=f"sg-{dice.randrange(5)}"))
        else:
            rules.append(Rule(protocol, low, high, cidr=dice.choice(CIDRS)))
    return tuple(rules)


def some_network(seed: int) -> Network:
    """A configuration out of few parts, so that two of them have much in common."""
    dice = random.Random(seed)
    vpcs = [make_vpc(1, internet_gateway=dice.random() < 0.6)]
    if dice.random() < 0.6:
        cidrs = dice.choice((("10.0.0.0/16",), ("10.0.0.0/16", "10.1.0.0/16")))
        vpcs.append(Vpc("vpc-2", cidrs, dice.choice(("10.0.0.2", "10.1.0.2")), dice.random() < 0.5))
    groups = [
        Group(f"sg-{number}", "vpc-1" if number < 3 else "vpc-2", some_rules(dice), some_rules(dice))
        for number in range(5)
        if dice.random() < 0.8
    ]
    interfaces = []
    publics = [f"198.18.0.{20 + number}" for number in range(8)]
    dice.shuffle(publics)
    for number in range(1, 9):
        vpc = dice.choice(vpcs).id
        if dice.random() < 0.6:
            interfaces.append(
                make_interface(
                    number,
                    *dice.sample([f"sg-{n}" for n in (range(3) if vpc == "vpc-1" else range(3, 5))], dice.randrange(3)),
                    vpc=vpc,
                    address=dice.choice(("", f"10.0.1.{100 + number}")),
                    public=dice.choice(("", publics[number - 1])),
                    internet=dice.random() < 0.8,
                )
            )
    return network(*vpcs, *groups, *interfaces, *some_hosts(dice))


def some_hosts(dice: random.Random) -> list[Item]:
    """Up to two hosts with sandboxes, and perhaps a trunk with branches on the first."""
    items: list[Item] = []
    hosts = [name for name in ("i-a", "i-b") if dice.random() < 0.6]
    for position, name in enumerate(hosts):
        items += [Host(name), attached(30 + ord(name[-1]), name, "sg-0")]
        if dice.random() < 0.5:
            items.append(attached(50 + ord(name[-1]), name, "sg-1", device="eth2"))
        for number in range(2, 6):
            if dice.random() < 0.5:
                binding = Binding(dice.choice(("tcp", "udp")), 8000 + number, dice.choice((80, 81)))
                bindings = dice.choice(((), (binding,)))
                items.append(Sandbox(f"box-{name}-{number}", name, f"172.17.0.{number}", bindings))
        if dice.random() < 0.5:
            items.append(Sandbox(f"none-{name}", name))
        if position == 0 and dice.random() < 0.6:
            trunk = attached(70 + ord(name[-1]), name, "sg-2", device="eth1", trunk=True)
            branches = [branch(200 + vlan, trunk, vlan, f"sg-{vlan}") for vlan in (1, 2) if dice.random() < 0.6]
            items += [trunk, *branches]
    return items


def command(*argv: str) -> Any:
    output = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    return json.loads(output) if output.strip() else []


def plain(value: Any, ordered: bool = False) -> Any:
    """Leave out what differs from one making to the next, and put what has no order into one."""
    if isinstance(value, dict):
        return {
            key: plain(each, key in {"expr", "concat"}) for key, each in sorted(value.items()) if key not in VOLATILE
        }
    if isinstance(value, list):
        parts = [plain(each) for each in value if not (isinstance(each, str) and each in BACKGROUND)]
        return parts if ordered else sorted(parts, key=lambda each: json.dumps(each, sort_keys=True))
    return value


def rules_in_order(listed: dict[str, Any]) -> dict[str, list[Any]]:
    """Sorting must not hide the order of a chain's rules."""
    chains: dict[str, list[Any]] = {}
    for item in listed["nftables"]:
        if "rule" in item:
            chains.setdefault(item["rule"]["chain"], []).append(plain(item["rule"]["expr"], ordered=True))
    return chains


def picture(lab: Lab) -> dict[str, Any]:
    """Everything that the kernel shows of the network, in every namespace and on the machine."""

    def here() -> dict[str, Any]:
        rules = command("nft", "-j", "list", "ruleset")
        return {
            "addresses": plain(command("ip", "-j", "-d", "addr")),
            "routes": plain(command("ip", "-j", "route")),
            "neighbours": plain(command("ip", "-j", "neigh")),
            "rules": rules_in_order(rules),
            "rest": plain([item for item in rules["nftables"] if "rule" not in item]),
            "forward": Path("/proc/sys/net/ipv4/ip_forward").read_text(),
        }

    seen = {"machine": here()}
    for path in sorted((lab.run / "netns").iterdir()):
        with lab.inside(path):
            seen[path.name] = here()
    return seen


def differences(reached: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    """Say what one picture has and the other has not; a line each, to be read when a test fails."""
    lines = []
    for name in sorted(reached.keys() | wanted.keys()):
        for part in sorted(reached.get(name, {}).keys() | wanted.get(name, {}).keys()):
            have, want = (
                json.dumps(seen.get(name, {}).get(part), indent=1, sort_keys=True).splitlines()
                for seen in (reached, wanted)
            )
            changed = [line for line in difflib.ndiff(have, want) if line[0] in "+-"]
            lines += [f"{name} {part}: {line}" for line in changed]
    return lines


def fresh(lab: Lab, desired: Network) -> dict[str, Any]:
    """The picture of the configuration made from nothing."""
    asyncio.run(lab.driver.destroy())
    failures = asyncio.run(lab.driver.apply(desired))
    assert failures == {}
    return picture(lab)


def test_any_configuration_may_follow_any_other(lab: Lab, caplog: pytest.LogCaptureFixture) -> None:
    dice = random.Random(20)
    seeds = list(range(50))
    dice.shuffle(seeds)
    compared = 0
    for turn, seed in enumerate(seeds):
        desired = some_network(seed)
        assert asyncio.run(lab.driver.apply(desired)) == {}
        if dice.random() < 0.15:
            lab.restart()
            assert asyncio.run(lab.driver.apply(desired)) == {}
        if turn % 7 == 0 or seed == seeds[-1]:
            reached = picture(lab)
            assert differences(reached, fresh(lab, desired)) == [], f"after {turn} configurations"
            compared += 1
    assert compared >= 7
    assert not caplog.records  # no rule set had to be replaced because a change of it was refused


def test_the_same_again_changes_nothing(lab: Lab) -> None:
    desired = some_network(5)
    asyncio.run(lab.driver.apply(desired))
    before = handles(lab)
    asyncio.run(lab.driver.apply(desired))
    asyncio.run(lab.driver.apply(some_network(5)))  # equal, and not the same objects
    assert handles(lab) == before


def handles(lab: Lab) -> dict[str, str]:
    """What would change if a rule, a link or a namespace were made anew."""
    seen = {}
    for path in sorted((lab.run / "netns").iterdir()):
        with lab.inside(path):
            listed = [subprocess.run(argv, capture_output=True, text=True, check=True).stdout for argv in HANDLES]
        seen[path.name] = f"{path.stat().st_ino} {listed}"
    return seen


HANDLES = (("nft", "-a", "list", "ruleset"), ("ip", "link"), ("ip", "route"))


def test_connections_outlive_a_restart(lab: Lab) -> None:
    a, b = make_interface(1, "sg-a", public="198.18.0.11"), make_interface(2, "sg-a")
    items = make_vpc(internet_gateway=True), make_group("sg-a", (ALL,)), a, b
    lab.apply(*items)
    server = lab.serve(a, 80)
    pairs = []
    for where, address in ((b, a.address), (None, "198.18.0.11")):
        client = lab.connect(where, address, 80)
        pairs.append((client, lab.accept(server)[0]))
    inodes = {path.name: path.stat().st_ino for path in (lab.run / "netns").iterdir()}
    lab.restart()
    assert lab.apply(*items) == {}
    lab.restart()
    assert lab.apply(*items, make_interface(3, "sg-a")) == {}
    assert all(talks(client, accepted) for client, accepted in pairs)
    assert inodes.items() <= {path.name: path.stat().st_ino for path in (lab.run / "netns").iterdir()}.items()


def test_destroy_leaves_nothing_and_needs_no_knowledge(lab: Lab) -> None:
    before = machine_picture()
    asyncio.run(lab.driver.apply(some_network(11)))
    assert machine_picture() != before
    lab.restart()
    asyncio.run(lab.driver.destroy())
    assert machine_picture() == before
    assert not (lab.run / "netns").exists()
    assert str(lab.run) not in Path("/proc/self/mounts").read_text()
    asyncio.run(lab.driver.destroy())  # of nothing


def test_an_empty_network_leaves_nothing_either(lab: Lab) -> None:
    before = machine_picture()
    asyncio.run(lab.driver.apply(some_network(11)))
    asyncio.run(lab.driver.apply(Network()))
    assert machine_picture() == before
    assert list((lab.run / "netns").iterdir()) == []


def machine_picture() -> list[str]:
    argvs = (("ip", "-o", "link"), ("ip", "route"), ("ip", "neigh"), ("nft", "list", "ruleset"), ("ip", "rule"))
    return [subprocess.run(argv, capture_output=True, text=True, check=True).stdout for argv in argvs]


class Guillotine:
    """Ends the process where it would have asked the n-th thing of the kernel."""

    def __init__(self, turn: int) -> None:
        self.left = turn

    def put_on(self, holder: object, name: str) -> None:
        setattr(holder, name, self._around(getattr(holder, name)))

    def _around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(*args: Any, **kwargs: Any) -> Any:
            self.left -= 1
            if self.left == 0:
                os._exit(9)
            return call(*args, **kwargs)

        return guarded


def apply_and_die(run: Path, desired: Network, turn: int) -> bool:
    """Apply in a child process that dies at its n-th step; tell whether it lived to finish."""
    child = os.fork()
    if child == 0:
        axe = Guillotine(turn)
        axe.put_on(Netlink, "send")
        axe.put_on(Namespaces, "hold")
        axe.put_on(Namespaces, "remove")
        axe.put_on(place, "load")
        axe.put_on(kernel, "load")
        asyncio.run(KernelNetwork(run).apply(desired))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in {0, 9}, f"step {turn}: the child ended with {code}"
    return code == 0


def turnover() -> tuple[Network, Network]:
    """Two configurations that between them need every kind of action."""
    a, b = make_interface(1, "sg-a", public="198.18.0.11"), make_interface(2, "sg-a", "sg-b", public="198.18.0.12")
    old_vpc = make_interface(3, "sg-c", vpc="vpc-2", public="198.18.0.13")
    groups = make_group("sg-a", (ALL,)), make_group("sg-b", (Rule("tcp", 80, 80, group="sg-a"),))
    before = network(
        make_vpc(1, internet_gateway=True),
        make_vpc(2, internet_gateway=True),
        make_vpc(3),
        *groups,
        a,
        b,
        old_vpc,
        *before_hosts(),
    )
    heir = make_interface(4, "sg-d", address=a.address, public="198.18.0.12")
    late = make_interface(5, "sg-a", vpc="vpc-3", public="198.18.0.13")
    again = make_interface(2, "sg-b", address="10.0.1.77")
    after = network(
        make_vpc(1, internet_gateway=True),
        Vpc("vpc-3", ("10.2.0.0/16", "10.0.0.0/16"), "10.2.0.2", internet_gateway=True),
        make_group("sg-b"),
        make_group("sg-d", (Rule("udp", 53, 53, group="sg-b"),)),
        heir,
        late,
        again,
        *after_hosts(),
    )
    return before, after


def before_hosts() -> list[Item]:
    """A host that goes, one that stays, and a trunk whose branch moves to another."""
    trunk = attached(41, "i-b", "sg-a", device="eth1", trunk=True)
    return [
        Host("i-a"),
        attached(31, "i-a", "sg-a"),
        Sandbox("box-a", "i-a", "172.17.0.2", (Binding("tcp", 8080, 80),)),
        Host("i-b"),
        attached(32, "i-b", "sg-a"),
        attached(33, "i-b", "sg-a", device="eth2"),
        Sandbox("box-b", "i-b", "172.17.0.2", (Binding("tcp", 8080, 80),)),
        Sandbox("box-c", "i-b"),
        trunk,
        branch(51, trunk, 1, "sg-a"),
        branch(52, trunk, 2, "sg-b"),
    ]


def after_hosts() -> list[Item]:
    trunk = attached(42, "i-c", "sg-b", device="eth1", trunk=True)
    return [
        Host("i-b"),
        attached(32, "i-b", "sg-b"),
        Sandbox("box-d", "i-b", "172.17.0.2", (Binding("tcp", 8080, 81), Binding("udp", 53, 53))),
        Sandbox("box-e", "i-b"),
        Host("i-c"),
        attached(34, "i-c", "sg-b"),
        trunk,
        branch(51, trunk, 3, "sg-b"),
    ]


def test_killed_anywhere_on_the_way_it_gets_there_all_the_same(lab: Lab) -> None:
    before, after = turnover()
    wanted = fresh(lab, after)
    asyncio.run(lab.driver.destroy())
    asyncio.run(lab.driver.close())
    finished, turn = False, 0
    while not finished:
        turn += 1
        assert turn < 500, "a transition has an end"
        assert asyncio.run(once(lab.run, before)) == {}
        finished = apply_and_die(lab.run, after, turn)
        assert asyncio.run(once(lab.run, after)) == {}
        found = differences(picture(lab), wanted)
        assert found == [], f"killed at step {turn}: {found}"
    assert turn > 30, "it has many steps"
    lab.driver = KernelNetwork(lab.run)


def test_killed_anywhere_in_the_beginning_it_can_be_taken_away(lab: Lab) -> None:
    before = machine_picture()
    asyncio.run(lab.driver.close())
    finished, turn = False, 0
    while not finished:
        turn += 1
        assert turn < 500, "a beginning has an end"
        finished = apply_and_die(lab.run, turnover()[0], turn)
        driver = KernelNetwork(lab.run)
        asyncio.run(driver.destroy())
        asyncio.run(driver.close())
        assert [re.sub(r"\d+: ", "", each) for each in machine_picture()] == [
            re.sub(r"\d+: ", "", each) for each in before
        ], f"killed at step {turn}"
        assert not (lab.run / "netns").exists()
    assert turn > 20, "it has many steps"
    lab.driver = KernelNetwork(lab.run)


async def once(run: Path, desired: Network) -> dict[str, str]:
    driver = KernelNetwork(run)
    try:
        return dict(await driver.apply(desired))
    finally:
        await driver.close()


def test_a_lost_namespace_or_link_is_made_again(lab: Lab) -> None:
    a, b = make_interface(1, "sg-a"), make_interface(2, "sg-a")
    items = make_vpc(), make_group("sg-a", (ALL,)), a, b
    lab.apply(*items)
    wanted = picture(lab)
    subprocess.run(["umount", str(lab.driver.namespace(a.id))], check=True)
    lab.command("vpc-1.router", "ip", "link", "delete", "e00000000000002")
    lab.restart()
    assert lab.apply(*items) == {}
    assert differences(picture(lab), wanted) == []


def test_interfaces_may_be_many(lab: Lab) -> None:
    group = make_group("sg-a", (ALL,))
    many: list[Interface] = []
    for number in range(1, 121):
        many.append(make_interface(number, "sg-a"))
    assert lab.apply(make_vpc(), group, *many) == {}
    lab.serve(many[119], 80)
    assert lab.reaches(many[0], many[119].address, 80)
    assert lab.apply(make_vpc(), group, many[119], many[0]) == {}
    assert lab.reaches(many[0], many[119].address, 80)
    assert len(list((lab.run / "netns").iterdir())) == 3
