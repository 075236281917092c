"""
Read back what the kernel holds, which after a restart is all that is known.

A link is there when its alias says so and its namespace exists; what has one of both is a crash's remains.
"""

from collections.abc import Callable, Iterable

from homeport.network import naming
from homeport.network.actions import Box, InForce, Remains
from homeport.network.hosts import HostNamespace
from homeport.network.namespaces import Namespaces
from homeport.network.router import Router

Routers = Callable[[str], Router]
Hosts = Callable[[str], HostNamespace]


def survey(namespaces: Namespaces, router: Routers, host: Hosts) -> InForce:
    """Read back what can be read; a name without a namespace behind it is what a crash has left."""
    names = namespaces.names()
    found = InForce(edge=naming.EDGE in names)
    links: dict[str, str] = {}
    hosts: list[HostNamespace] = []
    for name in names:
        thing, _, kind = name.rpartition(".")
        if kind == "gateway":
            found.gateways.add(thing)
        elif kind == "router":
            found.routers[thing] = None
            if namespaces.exists(name):
                links |= dict.fromkeys(_survey_router(router(thing), found), thing)
        elif kind == "host":
            there = host(thing) if namespaces.exists(name) else None
            _survey_host(thing, there, found)
            hosts += [there] if there is not None else []
    _match_links(namespaces, names, links, found)
    _match_sandboxes(namespaces, {name.removesuffix(".box") for name in names if name.endswith(".box")}, hosts, found)
    return found


def _survey_router(router: Router, found: InForce) -> set[str]:
    seen = router.survey()
    found.links |= seen.links
    found.remains |= {id_: Remains(router.vpc, address) for id_, address in seen.going.items()}
    return seen.names


def _survey_host(id_: str, there: HostNamespace | None, found: InForce) -> None:
    seen = there.survey() if there is not None else None
    if seen is None or seen.host is None:
        found.half_hosts.add(id_)
    else:
        found.hosts[id_] = seen.host
    if seen is not None:
        found.sandboxes |= seen.boxes


def _match_links(namespaces: Namespaces, names: Iterable[str], links: dict[str, str], found: InForce) -> None:
    """Hold links against namespaces; *links* gives the VPC of each link's name."""
    for name in names:
        if "." not in name and name not in found.links and name not in found.remains:
            found.remains[name] = Remains(links.get(naming.link(name), ""))
    known = {naming.link(id_) for id_ in (*found.links, *found.remains)}
    for name, vpc in links.items():
        if len(name) == naming.LINK_LENGTH and name not in known:  # in a host, nothing else names it
            found.remains[name[1:]] = Remains(vpc)
    for id_, link in list(found.links.items()):
        if not namespaces.exists(naming.host(link.host) if link.host else id_):
            del found.links[id_]
            found.remains[id_] = Remains(link.vpc, link.address)


def _match_sandboxes(namespaces: Namespaces, names: set[str], hosts: Iterable[HostNamespace], found: InForce) -> None:
    """A sandbox needs its namespace and, with an address, its link; what has one of both is half gone."""
    there = {name for name in names if namespaces.exists(naming.box(name))}
    for id_, box in list(found.sandboxes.items()):
        if id_ not in there:
            del found.sandboxes[id_]
            found.half_sandboxes[id_] = box.host
    for id_ in names - found.sandboxes.keys() - found.half_sandboxes.keys():
        host = next((host.id for host in hosts if host.has_port(id_)), "")
        if id_ in there and not host:
            found.sandboxes[id_] = Box()
        else:
            found.half_sandboxes[id_] = host
