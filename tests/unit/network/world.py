"""A kernel made of dictionaries, as strict as the real one, and configurations to try on it."""

from dataclasses import dataclass, field, replace

from hypothesis import strategies as st

from homeport.network import firewall, naming
from homeport.network.actions import (
    Action,
    Attach,
    ChangeFilter,
    ChangeTranslation,
    Detach,
    EnsureEdge,
    EnsureGateway,
    EnsureRouter,
    InForce,
    Link,
    Remains,
    RemoveEdge,
    RemoveGateway,
    RemoveRouter,
    ReplaceFilter,
    ReplaceTranslation,
    SetAddresses,
)
from homeport.network.desired import Group, Interface, Network, Rule, Vpc
from homeport.network.firewall import Allow, Changes, Contents, Jump
from homeport.network.plan import gateway_address, link_of

VPCS = ("vpc-1", "vpc-2")
GROUPS = {"sg-a": "vpc-1", "sg-b": "vpc-1", "sg-c": "vpc-2", "sg-d": "vpc-2"}

rules = st.builds(
    Rule,
    protocol=st.sampled_from(("", "tcp", "udp", "icmp", "icmpv6", "50", "quic")),
    from_port=st.sampled_from((-1, 0, 80, 1000)),
    to_port=st.sampled_from((-1, 80, 65535)),
    cidr=st.sampled_from(("", "0.0.0.0/0", "10.0.1.0/24", "::/0", "10.0.0.7/8")),
    group=st.sampled_from(("", "", "sg-a", "sg-c", "sg-x")),
)


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """Draw a configuration out of few parts, so that two of them have much in common."""
    vpcs = {
        id_: Vpc(
            id_,
            draw(st.sampled_from((("10.0.0.0/16",), ("10.0.0.0/16", "10.1.0.0/16")))),
            "10.0.0.2",
            draw(st.booleans()),
        )
        for id_ in draw(st.sets(st.sampled_from(VPCS)))
    }
    groups = {
        id_: Group(id_, GROUPS[id_], tuple(draw(st.lists(rules, max_size=2))), tuple(draw(st.lists(rules, max_size=2))))
        for id_ in draw(st.sets(st.sampled_from(sorted(GROUPS))))
    }
    interfaces = {}
    for number in draw(st.sets(st.integers(1, 4))):
        interface = Interface(
            id=f"eni-{number}",
            vpc=draw(st.sampled_from(VPCS)),
            subnet_cidr=draw(st.sampled_from(("10.0.1.0/24", "10.0.0.0/20"))),
            mac=f"02:00:00:00:00:0{number}",
            address=draw(st.sampled_from(("10.0.1.11", "10.0.1.12", "10.0.1.13"))),
            groups=tuple(draw(st.lists(st.sampled_from(sorted(GROUPS)), max_size=2))),
            public_address=draw(st.sampled_from(("", "198.18.0.11", "198.18.0.12"))),
            internet=draw(st.booleans()),
        )
        interfaces[interface.id] = interface
    return Network(vpcs, groups, interfaces)


@dataclass
class World:
    """What a kernel would hold; every action asserts what the kernel would insist on."""

    routers: dict[str, Vpc] = field(default_factory=dict)
    addresses: dict[str, frozenset[str]] = field(default_factory=dict)
    links: dict[str, Link] = field(default_factory=dict)
    half: dict[str, Remains] = field(default_factory=dict)
    tables: dict[str, Contents] = field(default_factory=dict)
    gateways: set[str] = field(default_factory=set)
    edge: bool = False
    translations: dict[str, dict[str, str]] = field(default_factory=dict)

    def read_back(self) -> InForce:
        """Return what a process that has just started can know."""
        return InForce(
            links=dict(self.links),
            remains=dict(self.half),
            routers=dict.fromkeys(self.routers),
            gateways=set(self.gateways),
            edge=self.edge,
        )

    def do(self, action: Action) -> None:
        match action:
            case Detach(vpc, interfaces):
                assert not vpc or vpc in self.routers
                for id_ in interfaces:
                    self.links.pop(id_, None)
                    self.half.pop(id_, None)
            case RemoveGateway(vpc):
                self.gateways.remove(vpc)
                self.translations.pop(vpc, None)
            case RemoveRouter(vpc):
                assert vpc not in {link.vpc for link in self.links.values()}, "interfaces go before their router"
                assert vpc not in self.gateways
                del self.routers[vpc]
                self.addresses.pop(vpc, None)
                self.tables.pop(vpc, None)
            case RemoveEdge():
                assert not self.gateways
                self.edge = False
            case EnsureRouter(vpc):
                self.routers[vpc.id] = vpc
            case SetAddresses(vpc, addresses):
                assert vpc in self.routers
                self.addresses[vpc] = addresses
            case EnsureEdge():
                self.edge = True
            case EnsureGateway(vpc):
                assert self.edge
                assert vpc.id in self.routers
                self.gateways.add(vpc.id)
            case Attach(interface):
                self.attach(interface)
            case ReplaceFilter(vpc, filter_):
                self.tables[vpc.id] = firewall.contents(filter_)
            case ChangeFilter(vpc, changes):
                change(self.tables[vpc], changes)
            case ReplaceTranslation(vpc, public):
                assert vpc in self.gateways
                self.translations[vpc] = dict(public)
            case ChangeTranslation(vpc, removed, added):
                for private, public_address in removed.items():
                    assert self.translations[vpc].pop(private) == public_address
                assert not self.translations[vpc].keys() & added.keys()
                self.translations[vpc].update(added)
        self.check()

    def attach(self, interface: Interface) -> None:
        assert interface.id not in self.links
        assert interface.id not in self.half
        assert interface.vpc in self.routers
        assert gateway_address(interface.subnet_cidr) in self.addresses[interface.vpc], "a route's source must be there"
        taken = {(link.vpc, link.address) for link in self.links.values()}
        assert (interface.vpc, interface.address) not in taken, "who had the address goes first"
        self.links[interface.id] = link_of(interface)

    def check(self) -> None:
        """Assert what must hold between any two actions."""
        for vpc, table in self.tables.items():
            for element in table.elements:
                if element.set == firewall.SOURCES:
                    assert isinstance(element.key, tuple)
                    name, address = element.key
                    links = [link for id_, link in self.links.items() if naming.link(id_) == name and link.vpc == vpc]
                    # a registration may wait for its link, or outlive it, but never lend its address to another
                    assert all(link.address == address or not self.passes(table, name, link.address) for link in links)

    @staticmethod
    def passes(table: Contents, name: str, address: str) -> bool:
        return firewall.Element(firewall.SOURCES, (name, address)) in table.elements

    def half_made(self, interface: Interface) -> None:
        self.half[interface.id] = Remains(interface.vpc)


def change(table: Contents, changes: Changes) -> None:
    """Change a table as the kernel would: in order, insisting that everything named is there."""
    for name in changes.new_sets:
        assert name not in table.members
        table.members.add(name)
    for name in changes.new_chains:
        assert name not in table.chains
        table.chains[name] = ()
    for name, statements in changes.rules:
        assert name in table.chains
        for statement in statements:
            assert not isinstance(statement, Jump) or statement.chain in table.chains
            assert not isinstance(statement, Allow) or not statement.members or statement.members in table.members
        table.chains[name] = statements
    for element in changes.dropped:
        table.elements.remove(element)
    for element in changes.added:
        assert not element.set.startswith("members-") or element.set in table.members
        assert not any((each.set, each.key) == (element.set, element.key) for each in table.elements)
        table.elements.add(element)
    for name in changes.old_chains:
        del table.chains[name]
        assert not any(Jump(name) in statements for statements in table.chains.values())
        assert not any(element.data == name for element in table.elements)
    for name in changes.old_sets:
        table.members.remove(name)
        table.elements = {element for element in table.elements if element.set != name}
        used = [each.members for rules_ in table.chains.values() for each in rules_ if isinstance(each, Allow)]
        assert name not in used


def copy(world: World) -> World:
    tables = {
        vpc: Contents(dict(table.chains), set(table.members), set(table.elements))
        for vpc, table in world.tables.items()
    }
    return replace(
        world,
        routers=dict(world.routers),
        addresses=dict(world.addresses),
        links=dict(world.links),
        half=dict(world.half),
        tables=tables,
        gateways=set(world.gateways),
        translations={vpc: dict(public) for vpc, public in world.translations.items()},
    )
