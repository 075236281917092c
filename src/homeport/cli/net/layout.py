"""
Where everything goes in a drawing of a VPC.  Pure: the same model always gives the same drawing.

Subnets are columns, in the order of zones; those with nothing in them are stacked at the end.  A subnet's wire runs
down its left side, and every interface that hangs on the VPC by a link of its own is wired to it.  Branches hang on their
trunk, bridge-mode containers on their instance's docker0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from homeport.cli.net import rules
from homeport.cli.net.blocks import (
    GAP,
    LEADING,
    Block,
    Box,
    Dot,
    Line,
    Mark,
    Text,
    beneath,
    beside,
    bus,
    fitted,
    framed,
    lines_of,
    width_of,
    wrapped,
)
from homeport.cli.net.model import (
    DOCKER_ADDRESS,
    DOCKER_NETWORK,
    Container,
    Eni,
    Instance,
    Kind,
    Mode,
    Model,
    Rule,
    Subnet,
    Task,
    Vpc,
)

_COLUMN = 400.0  # the width of what is in a subnet
_INNER = _COLUMN - 2 * GAP  # of what is in an instance
_HUNG = _INNER - 26  # of what hangs on a bus in it
_EMPTY_COLUMN = 250.0
_TITLE = 190.0  # of a family's name
_WIRE = 26.0  # the room for a subnet's wire
_MARGIN = 16.0


@dataclass(frozen=True, slots=True)
class Drawing:
    """A finished drawing, and what it shows in words."""

    width: float
    height: float
    title: str
    description: str
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class _Pen:
    """What all parts of one drawing need: the model, and the number of each group."""

    model: Model
    numbers: Mapping[str, int]


def lay_out(model: Model, vpc: Vpc) -> Drawing:
    """Draw one VPC."""
    enis = [eni for eni in model.enis.values() if eni.vpc == vpc.id]
    used = sorted({group for eni in enis for group in eni.groups}, key=lambda id_: (_group_name(model, id_), id_))
    pen = _Pen(model, {group: number for number, group in enumerate(used, 1)})
    subnets = sorted(
        (each for each in model.subnets.values() if each.vpc == vpc.id), key=lambda s: (s.zone, s.cidr, s.id)
    )
    columns, empty = [], []
    for subnet in subnets:
        parts = _in_subnet(pen, subnet)
        if parts:
            columns.append(_subnet(model, subnet, parts))
        else:
            empty.append(_empty_subnet(model, subnet))
    if empty:
        columns.append(beneath(empty))
    name = f" {vpc.name}" if vpc.name else ""
    title = f"{vpc.id}{name} · {vpc.cidr}"
    head = lines_of([(title, "title")], width_of(title, "title"))
    gateways = [_gateway(gateway.id) for gateway in model.gateways.values() if gateway.vpc == vpc.id]
    inside = beneath([beside([head, *gateways], gap=24), beside(columns, gap=12)], gap=12)
    whole = beneath([framed(inside, "vpc", padding=14), _legend(pen, inside.width)], gap=14).moved(_MARGIN, _MARGIN)
    return Drawing(
        whole.width + 2 * _MARGIN,
        whole.height + 2 * _MARGIN,
        title,
        _describe(model, vpc),
        _boxes_first(whole.marks),
    )


def _boxes_first(marks: Sequence[Mark]) -> tuple[Mark, ...]:
    """Put larger boxes behind smaller, then lines, then what must be readable."""
    boxes = sorted((mark for mark in marks if isinstance(mark, Box)), key=lambda box: -box.width * box.height)
    lines = [mark for mark in marks if isinstance(mark, Line)]
    return (*boxes, *lines, *(mark for mark in marks if isinstance(mark, Text | Dot)))


def _describe(model: Model, vpc: Vpc) -> str:
    instances = sum(instance.vpc == vpc.id for instance in model.instances.values())
    enis = sum(eni.vpc == vpc.id for eni in model.enis.values())
    tasks = [task for task in model.tasks.values() if _vpc_of(model, task) == vpc.id]
    modes = ", ".join(f"{sum(task.mode is mode for task in tasks)} {mode.value}" for mode in Mode)
    return f"{instances} instances, {enis} network interfaces, {len(tasks)} tasks ({modes})."


def _vpc_of(model: Model, task: Task) -> str:
    if task.eni in model.enis:
        return model.enis[task.eni].vpc
    return model.instances[task.instance].vpc if task.instance in model.instances else ""


def _gateway(id_: str) -> Block:
    return framed(
        lines_of([(f"internet gateway {id_}", "body")], width_of(f"internet gateway {id_}", "body")), "gateway"
    )


def _subnet(model: Model, subnet: Subnet, parts: Sequence[Block]) -> Block:
    head = lines_of(_subnet_head(model, subnet), _COLUMN)
    body = beneath(parts, gap=12).moved(_WIRE, head.height + GAP)
    marks: list[Mark] = [*head.marks, *body.marks]
    if body.plugs:
        last = max(y for _, y in body.plugs)
        marks.append(Line(6, head.height + GAP, 6, last, "subnet"))
        marks += [Line(6, y, x, y, "wire") for x, y in body.plugs]
    return framed(Block(_WIRE + _COLUMN, head.height + GAP + body.height, tuple(marks)), "subnet", padding=10)


def _empty_subnet(model: Model, subnet: Subnet) -> Block:
    return framed(
        lines_of([*_subnet_head(model, subnet), ("nothing in it", "muted")], _EMPTY_COLUMN), "subnet", padding=10
    )


def _subnet_head(model: Model, subnet: Subnet) -> list[tuple[str, str]]:
    table = model.table_of(subnet)
    gateways = [route.target for route in table.routes if route.target != "local" and route.active] if table else []
    way = f"0.0.0.0/0 by {gateways[0]}" if gateways else "no way out"
    name = f" {subnet.name}" if subnet.name else ""
    return [(f"{subnet.id}{name}", "strong"), (f"{subnet.cidr} · {subnet.zone}", "muted"), (way, "muted")]


def _in_subnet(pen: _Pen, subnet: Subnet) -> list[Block]:
    """Return what is in a subnet: instances, then tasks without one, then interfaces that nobody has."""
    model = pen.model
    instances = sorted((i for i in model.instances.values() if i.subnet == subnet.id), key=lambda instance: instance.id)
    enis = sorted(
        (eni for eni in model.enis.values() if eni.subnet == subnet.id), key=lambda eni: (eni.address, eni.id)
    )
    parts = [_instance(pen, instance) for instance in instances]
    for eni in enis:
        if eni.instance in model.instances:
            continue
        task = model.tasks.get(eni.task)
        if task is not None:
            parts.append(_own_network(pen, task, eni, _COLUMN, "eth1"))
        else:
            title = eni.balancer.rpartition("/")[0] or ("attached" if eni.attached else "unattached")
            parts.append(_chip(pen, eni, title, _COLUMN))
    return parts


def _instance(pen: _Pen, instance: Instance) -> Block:
    model = pen.model
    tasks = sorted(model.tasks_on(instance.id), key=lambda task: (task.definition, task.id))
    own = model.own_enis(instance.id)
    parts: list[Block] = [lines_of(_instance_head(model, instance), _INNER)]
    for eni in own:
        if eni.kind is Kind.TRUNK:
            parts.append(_trunk(pen, eni))
        else:
            parts.append(_chip(pen, eni, f"eth{eni.device_index}", _INNER))
        if eni.id == instance.interface and (bridge := _bridge(tasks)) is not None:
            parts.append(bridge)
    parts += [_card(task, "host: the instance's own network", "host") for task in tasks if task.mode is Mode.HOST]
    awsvpc = [(task, model.enis[task.eni]) for task in tasks if task.eni in model.enis]
    parts += [_own_network(pen, task, eni, _INNER, "eth0") for task, eni in awsvpc if eni.trunk not in model.enis]
    parts += [_card(task, "none: a loopback only", "none") for task in tasks if task.mode is Mode.NONE]
    return framed(beneath(parts), "instance", width=_COLUMN)


def _instance_head(model: Model, instance: Instance) -> list[tuple[str, str]]:
    name = f" {instance.name}" if instance.name else ""
    state = "" if instance.running else f" · {instance.state}"
    lines = [(f"{instance.id}{name} · {instance.type}{state}", "strong")]
    room = f"{model.counted_enis(instance.id)} of {instance.enis} network interfaces"
    if instance.branches:
        carried = sum(eni.kind is Kind.BRANCH and eni.instance == instance.id for eni in model.enis.values())
        room += f", {carried} of {instance.branches} branches"
    lines.append((room, "muted"))
    if instance.container_instance:
        lines.append((f"container instance in {instance.cluster}, {instance.status}", "muted"))
    return lines


def _bridge(tasks: Sequence[Task]) -> Block | None:
    """Draw docker0 with what hangs on it; the dashed line is the translation to the primary interface above."""
    containers = [(task, container) for task in tasks if task.mode is Mode.BRIDGE for container in task.containers]
    if not containers:
        return None
    text = f"docker0 · {DOCKER_ADDRESS}/{DOCKER_NETWORK.prefixlen}"
    head = framed(lines_of([(text, "body")], _INNER - 2 * GAP), "docker", padding=4, width=_INNER)
    link = Line(14, -GAP, 14, 0, "nat")
    whole = bus(head, [_bridged(task, container) for task, container in containers], "docker")
    return Block(whole.width, whole.height, (link, *whole.marks))


def _bridged(task: Task, container: Container) -> Block:
    ports = [str(binding) for binding in container.bindings] or ["publishes nothing"]
    width = _HUNG - 2 * GAP
    lines = [(f"{container.name} · {_task_title(task)}", "strong")]
    lines += [(line, "muted") for line in wrapped(ports, "muted", width)]
    card = framed(lines_of(lines, width), "bridge")
    return Block(card.width, card.height, card.marks, ((0, card.height / 2),))


def _trunk(pen: _Pen, trunk: Eni) -> Block:
    branches = sorted((eni for eni in pen.model.enis.values() if eni.trunk == trunk.id), key=lambda eni: eni.vlan)
    head = _chip(pen, trunk, f"eth{trunk.device_index} trunk", _INNER, kind="trunk")
    return bus(head, [_branch(pen, eni) for eni in branches], "trunk")


def _branch(pen: _Pen, eni: Eni) -> Block:
    task = pen.model.tasks.get(eni.task)
    if task is None:
        chip = _chip(pen, eni, f"VLAN {eni.vlan}", _HUNG)
        return Block(chip.width, chip.height, chip.marks, ((0, chip.height / 2),))
    card = _own_network(pen, task, eni, _HUNG, f"VLAN {eni.vlan}")
    return Block(card.width, card.height, card.marks, ((0, card.plugs[0][1]),))


def _own_network(pen: _Pen, task: Task, eni: Eni, width: float, device: str) -> Block:
    """Draw an awsvpc task: its interface, and the containers that share it."""
    inner = width - 2 * GAP
    where = "on Fargate" if not task.instance else "awsvpc"
    lines = lines_of([(f"{_task_title(task)} · {where}", "strong"), *_containers(task.containers, inner)], inner)
    return framed(beneath([_chip(pen, eni, device, inner), lines], gap=4), "awsvpc", width=width)


def _card(task: Task, note: str, kind: str) -> Block:
    """Draw a task that has no interface of its own."""
    inner = _INNER - 2 * GAP
    lines = [(_task_title(task), "strong"), (note, "muted"), *_containers(task.containers, inner)]
    return framed(lines_of(lines, inner), kind, width=_INNER)


def _containers(containers: Sequence[Container], width: float) -> list[tuple[str, str]]:
    words = []
    for container in containers:
        ports = " ".join(f":{port}" + ("/udp" if protocol == "udp" else "") for port, protocol in container.ports)
        words.append(f"{container.name} {ports}".rstrip())
    return [(line, "muted") for line in wrapped(words, "muted", width)]


def _task_title(task: Task) -> str:
    state = "" if task.status == "RUNNING" else f" · {task.status}"
    # The id must stay legible beside a family's name, which may have 255 letters.
    return f"{fitted(task.definition, 'strong', _TITLE)} · {task.id[:8]}{state}"


def _chip(pen: _Pen, eni: Eni, device: str, width: float, kind: str = "eni") -> Block:
    """Draw an interface: its device, id and address, and the marks of its groups."""
    dots = [pen.numbers[group] for group in eni.groups if group in pen.numbers]
    room = width - 2 * GAP - 18 * len(dots)
    lines = [
        (f"{device} · {eni.address}", "body"),
        (eni.id + (f" · public {eni.public}" if eni.public else ""), "muted"),
    ]
    chip = framed(lines_of(lines, room), kind, width=width, padding=5)
    marks = [Dot(width - 14 - 18 * place, chip.height / 2, number) for place, number in enumerate(reversed(dots))]
    return Block(chip.width, chip.height, (*chip.marks, *marks), ((0, chip.height / 2),) if eni.attached else ())


def _legend(pen: _Pen, width: float) -> Block:
    """Say what the marks of groups mean, and what each group allows, in as many columns as there is room for."""
    columns = max(1, int(width / _COLUMN))
    entries = [_legend_entry(pen, id_, (width - 12 * (columns - 1)) / columns) for id_ in pen.numbers]
    if not entries:
        return Block(width, 0)
    rows = [beside(entries[at : at + columns], gap=12) for at in range(0, len(entries), columns)]
    return beneath([lines_of([("security groups", "strong")], width), *rows], gap=4)


def _legend_entry(pen: _Pen, id_: str, width: float) -> Block:
    group = pen.model.groups.get(id_)
    title = rules.title(group) if group is not None else id_
    inner = width - 26
    lines = [(title, "body")]
    if group is not None:
        for word, given, inbound in (("in", group.ingress, True), ("out", group.egress, False)):
            said = [rules.describe(rule, inbound=inbound) for rule in _in_order(given)] or ["nothing"]
            lines += [(line, "muted") for line in wrapped([f"{word}: {said[0]}", *said[1:]], "muted", inner)]
    text = lines_of([(fitted(text, kind, inner), kind) for text, kind in lines], inner).moved(26, 0)
    return Block(width, text.height, (Dot(10, LEADING / 2, pen.numbers[id_]), *text.marks))


def _in_order(given: Sequence[Rule]) -> list[Rule]:
    return sorted(given, key=lambda rule: (rule.protocol, rule.from_port, rule.to_port, rule.cidr, rule.group))


def _group_name(model: Model, id_: str) -> str:
    return model.groups[id_].name if id_ in model.groups else ""
