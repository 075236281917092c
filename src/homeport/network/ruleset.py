"""
A VPC router's and an internet gateway's nftables tables as text, for `nft -f`.

This is the form to read.  It is also how a table comes into being and how it is replaced as a whole, in
one transaction, when we do not know what is in force (after a restart).  What changes later is sent
by `nftables`, which must leave the same table behind.
"""

from collections.abc import Mapping

from homeport.network import firewall, naming
from homeport.network.desired import Vpc
from homeport.network.firewall import Allow, Contents, Data, Drop, Element, Jump, Key, Statement
from homeport.network.host_rules import TRUNK_PORT

TABLE = "vpc"
TRANSLATION = "igw"
TO_PRIVATE, TO_PUBLIC = "to_private", "to_public"

CREDENTIALS, METADATA, RESOLVER = "169.254.170.2", "169.254.169.254", "169.254.169.253"
SERVICE_ADDRESSES = (CREDENTIALS, METADATA, RESOLVER)
ENDPOINT_PORT = 4566  # the AWS endpoint inside a VPC, beside the resolver

_VPC = """\
table inet {table}
delete table inet {table}
table inet {table} {{
	map eni_combination {{
		type ifname : mark{combination}
	}}
	set eni_source {{
		type ifname . ipv4_addr{source}
	}}
	set internet {{
		type ifname{internet}
	}}
	set frames {{
		type ifname . mark{frames}
	}}
{members}	map inbound {{
		type mark : verdict{inbound}
	}}
	map outbound {{
		type mark : verdict{outbound}
	}}
{chains}	chain antispoof {{
		type filter hook prerouting priority raw; policy drop;
		udp dport {trunk_port} ip daddr {carrier} iifname . ip saddr @eni_source notrack accept
		iifname . ip saddr @eni_source accept
		iifname "lo" accept
{from_internet}	}}
	chain carrying {{
		type filter hook output priority raw; policy accept;
		udp dport {trunk_port} ip saddr {carrier} notrack
	}}
	chain leaving {{
		type filter hook forward priority filter; policy drop;
		oifname "{igw}" iifname != @internet drop
		ct state established,related accept
		ct state invalid drop
		iifname "{igw}" accept
		meta mark set 0x0
		meta mark set iifname map @eni_combination
		meta mark vmap @outbound
	}}
	chain entering {{
		type filter hook forward priority filter + 10; policy drop;
		ct state established,related accept
		oifname "{igw}" accept
		meta mark set 0x0
		meta mark set oifname map @eni_combination
		meta mark vmap @inbound
	}}
	chain services {{
		type filter hook input priority filter; policy drop;
		iifname "{igw}" drop
		ct state established,related accept
		iifname "lo" accept
		ip daddr {carrier} udp dport {trunk_port} meta mark set @th,96,32 iifname . meta mark @frames accept
		ip daddr {{ {credentials}, {metadata} }} tcp dport 80 accept
{resolver}		icmp type echo-request accept
	}}
}}
"""

_IGW = """\
table ip {table}
delete table ip {table}
table ip {table} {{
	map to_private {{
		type ipv4_addr : ipv4_addr{to_private}
	}}
	map to_public {{
		type ipv4_addr : ipv4_addr{to_public}
	}}
	chain forward {{
		type filter hook forward priority filter; policy drop;
		ct state established,related accept
		iifname "{inside}" oifname "{outside}" accept
		ct status dnat accept
	}}
	chain destination {{
		type nat hook prerouting priority dstnat; policy accept;
		dnat to ip daddr map @to_private
	}}
	chain source {{
		type nat hook postrouting priority srcnat; policy accept;
		iifname "{inside}" snat to ip saddr map @to_public
	}}
}}
"""

# What the machine forwards for others must not reach public addresses, nor the other way round.
MACHINE = f"""\
table inet {naming.MACHINE_TABLE}
delete table inet {naming.MACHINE_TABLE}
table inet {naming.MACHINE_TABLE} {{
	chain forward {{
		type filter hook forward priority filter - 10; policy accept;
		iifname "{naming.UPLINK}" drop
		oifname "{naming.UPLINK}" drop
	}}
}}
"""


def render_vpc(vpc: Vpc, whole: Contents) -> str:
    """Return the transaction that puts the VPC router's table in place of whatever is there."""
    by_set: dict[str, list[Element]] = {name: [] for name in whole.members}
    for element in whole.elements:
        by_set.setdefault(element.set, []).append(element)
    listed = {name: _elements(entries) for name, entries in by_set.items()}
    members = "".join(f"\tset {name} {{\n\t\ttype ipv4_addr{listed[name]}\n\t}}\n" for name in sorted(whole.members))
    # a chain must be there before another jumps to it
    chains = sorted(whole.chains.items(), key=lambda item: any(isinstance(each, Jump) for each in item[1]))
    return _VPC.format(
        table=TABLE,
        igw=naming.IGW,
        combination=listed.get(firewall.COMBINATION, ""),
        source=listed.get(firewall.SOURCES, ""),
        internet=listed.get(firewall.INTERNET, ""),
        frames=listed.get(firewall.FRAMES, ""),
        carrier=naming.CARRIER,
        trunk_port=TRUNK_PORT,
        inbound=listed.get(firewall.INBOUND, ""),
        outbound=listed.get(firewall.OUTBOUND, ""),
        members=members,
        chains="".join(_chain(name, rules) for name, rules in chains),
        from_internet=_from_internet(vpc),
        credentials=CREDENTIALS,
        metadata=METADATA,
        resolver=_resolver(vpc),
    )


def render_translation(public: Mapping[str, str]) -> str:
    """Return the transaction that puts an internet gateway's table, with *public* by private address."""
    there = [Element(TO_PRIVATE, outer, inner) for inner, outer in public.items()]
    back = [Element(TO_PUBLIC, inner, outer) for inner, outer in public.items()]
    return _IGW.format(
        table=TRANSLATION,
        inside=naming.INSIDE,
        outside=naming.OUTSIDE,
        to_private=_elements(there),
        to_public=_elements(back),
    )


def _from_internet(vpc: Vpc) -> str:
    """Nobody out there sends from inside: a source address must mean the interface that has it."""
    if not vpc.internet_gateway:
        return ""
    outside = " ".join(f"ip saddr != {cidr}" for cidr in vpc.cidrs)
    return f'\t\tiifname "{naming.IGW}" {outside} accept\n'


def _resolver(vpc: Vpc) -> str:
    addresses = ", ".join([RESOLVER, vpc.dns] if vpc.dns else [RESOLVER])
    text = f"\t\tip daddr {{ {addresses} }} meta l4proto {{ tcp, udp }} th dport 53 accept\n"
    return text + (f"\t\tip daddr {vpc.dns} tcp dport {ENDPOINT_PORT} accept\n" if vpc.dns else "")


def _elements(entries: list[Element]) -> str:
    if not entries:
        return ""
    return "\n\t\telements = {{ {} }}".format(", ".join(sorted(_entry(each) for each in entries)))


def _entry(element: Element) -> str:
    key = _key(element)
    return key if element.data is None else f"{key} : {_data(element.data)}"


def _key(element: Element) -> str:
    key: Key = element.key
    if isinstance(key, tuple):
        return f'"{key[0]}" . {_number(key[1]) if isinstance(key[1], int) else key[1]}'
    if isinstance(key, int):
        return _number(key)
    return f'"{key}"' if element.set in firewall.BY_DEVICE else key


def _number(value: int) -> str:
    return f"0x{value:08x}"


def _data(data: Data) -> str:
    if isinstance(data, int):
        return _number(data)
    assert data is not None, "a map's entry has data"
    return data if data[0].isdigit() else f"goto {data}"


def _chain(name: str, rules: tuple[Statement, ...]) -> str:
    return f"\tchain {name} {{\n" + "".join(f"\t\t{render_rule(rule)}\n" for rule in rules) + "\t}\n"


def render_rule(rule: Statement) -> str:
    """Return one rule in nft's words."""
    match rule:
        case Jump(chain):
            return f"jump {chain}"
        case Drop():
            return "drop"
        case Allow():
            return " ".join([*_peer(rule), *_service(rule), "accept"])


def _peer(rule: Allow) -> list[str]:
    field = "saddr" if rule.inbound else "daddr"
    if rule.cidr:
        return [f"ip {field} {rule.cidr}"]
    return [f"ip {field} @{rule.members}"] if rule.members else []


def _service(rule: Allow) -> list[str]:
    match rule.protocol:
        case None:
            return []
        case 1 if rule.low >= 0:
            return [f"icmp type {rule.low}"] + ([f"icmp code {rule.high}"] if rule.high >= 0 else [])
        case 6 | 17 if rule.low >= 0:
            ports = str(rule.low) if rule.low == rule.high else f"{rule.low}-{rule.high}"
            return [f"{'tcp' if rule.protocol == 6 else 'udp'} dport {ports}"]
        case _:
            return [f"meta l4proto {rule.protocol}"]
