"""A VPC for the terminal: the same things as in the drawing, one below another."""

from rich.console import Group as Lines
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from homeport.cli.net import rules
from homeport.cli.net.model import (
    DOCKER_ADDRESS,
    DOCKER_NETWORK,
    Container,
    Eni,
    Instance,
    Kind,
    Mode,
    Model,
    Subnet,
    Task,
    Vpc,
)


def render(model: Model, vpc: Vpc) -> RenderableType:
    """Return the VPC as a tree, and a table of its security groups."""
    gateways = ", ".join(gateway.id for gateway in model.gateways.values() if gateway.vpc == vpc.id)
    root = Tree(_line(vpc.id, vpc.name, vpc.cidr, gateways or "no internet gateway", style="bold"))
    subnets = sorted(
        (each for each in model.subnets.values() if each.vpc == vpc.id), key=lambda s: (s.zone, s.cidr, s.id)
    )
    for subnet in subnets:
        _add_subnet(root, model, subnet)
    return Lines(root, _groups(model, vpc))


def _line(first: str, *rest: str, style: str = "") -> Text:
    """Return a line whose first word stands out; nothing in it is taken for markup."""
    line = Text(first, style=style)
    for word in rest:
        if word:
            line.append(f"  {word}", style="not bold")
    return line


def _add_subnet(root: Tree, model: Model, subnet: Subnet) -> None:
    table = model.table_of(subnet)
    ways = [route.target for route in table.routes if route.target != "local" and route.active] if table else []
    branch = root.add(
        _line(
            subnet.id,
            subnet.name,
            subnet.cidr,
            subnet.zone,
            f"out by {ways[0]}" if ways else "no way out",
            style="blue",
        )
    )
    for instance in sorted((i for i in model.instances.values() if i.subnet == subnet.id), key=lambda i: i.id):
        _add_instance(branch, model, instance)
    for eni in sorted((e for e in model.enis.values() if e.subnet == subnet.id), key=lambda e: (e.address, e.id)):
        if eni.instance in model.instances:
            continue
        task = model.tasks.get(eni.task)
        if task is None:
            branch.add(_eni(eni, eni.balancer or ("attached" if eni.attached else "unattached")))
        else:
            _add_task(branch, task, "on Fargate").add(_eni(eni, "eth1"))


def _add_instance(root: Tree, model: Model, instance: Instance) -> None:
    room = f"{model.counted_enis(instance.id)}/{instance.enis} interfaces"
    if instance.branches:
        carried = sum(eni.kind is Kind.BRANCH and eni.instance == instance.id for eni in model.enis.values())
        room += f", {carried}/{instance.branches} branches"
    member = f"{instance.status} in {instance.cluster}" if instance.container_instance else ""
    state = "" if instance.running else instance.state
    branch = root.add(_line(instance.id, instance.name, instance.type, state, room, member, style="yellow"))
    tasks = sorted(model.tasks_on(instance.id), key=lambda task: (task.definition, task.id))
    for eni in model.own_enis(instance.id):
        device = f"eth{eni.device_index}"
        if eni.kind is Kind.TRUNK:
            _add_branches(branch.add(_eni(eni, f"{device} trunk")), model, eni)
            continue
        own = branch.add(_eni(eni, device))
        bridged = [(task, container) for task in tasks if task.mode is Mode.BRIDGE for container in task.containers]
        if eni.id == instance.interface and bridged:
            docker = own.add(_line("docker0", f"{DOCKER_ADDRESS}/{DOCKER_NETWORK.prefixlen}", style="cyan"))
            for task, container in bridged:
                docker.add(_bridged(task, container))
    for task in tasks:
        if task.mode is Mode.HOST:
            _add_task(branch, task, "host")
    for task in tasks:
        interface = model.enis.get(task.eni)
        if interface is not None and interface.trunk not in model.enis:
            _add_task(branch, task, "awsvpc").add(_eni(interface, "eth0"))
    for task in tasks:
        if task.mode is Mode.NONE:
            _add_task(branch, task, "none")


def _add_branches(root: Tree, model: Model, trunk: Eni) -> None:
    for eni in sorted((eni for eni in model.enis.values() if eni.trunk == trunk.id), key=lambda eni: eni.vlan):
        task = model.tasks.get(eni.task)
        parent = _add_task(root, task, "awsvpc") if task is not None else root
        parent.add(_eni(eni, f"VLAN {eni.vlan}"))


def _add_task(root: Tree, task: Task, where: str) -> Tree:
    state = "" if task.status == "RUNNING" else task.status
    return root.add(_line(_title(task), where, state, ", ".join(map(_container, task.containers)), style="bold"))


def _title(task: Task) -> str:
    return f"{task.definition} {task.id[:8]}"


def _container(container: Container) -> str:
    return " ".join([container.name, *(f":{port}" for port, _ in container.ports)])


def _bridged(task: Task, container: Container) -> Text:
    ports = ", ".join(map(str, container.bindings)) or "publishes nothing"
    state = "" if task.status == "RUNNING" else task.status
    return _line(container.name, _title(task), state, ports, style="bold")


def _eni(eni: Eni, device: str) -> Text:
    public = f"public {eni.public}" if eni.public else ""
    return _line(device, eni.id, eni.address, public, " ".join(eni.groups), style="green")


def _groups(model: Model, vpc: Vpc) -> Table:
    table = Table(title="security groups in use", title_justify="left", box=None, padding=(0, 2, 0, 0))
    for column in ("group", "in", "out"):
        table.add_column(column, overflow="fold")
    used = {group for eni in model.enis.values() if eni.vpc == vpc.id for group in eni.groups}
    for id_ in sorted(used & model.groups.keys(), key=lambda id_: (model.groups[id_].name, id_)):
        group = model.groups[id_]
        ingress, egress = (
            Text("\n".join(rules.describe(rule, inbound=inbound) for rule in given) or "nothing")
            for given, inbound in ((group.ingress, True), (group.egress, False))
        )
        table.add_row(Text(rules.title(group)), ingress, egress)
    return table
