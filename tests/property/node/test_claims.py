"""
Tasks come and go on two instances, the node crashes whenever it likes: no port and no address is ever two tasks'.

Everything kept is in the tasks' states; what is in memory is lost with a crash, and so are choices that were not
written down.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from homeport.node.tasks.claims import Claims
from homeport.node.tasks.model import ContainerState
from homeport.node.tasks.ports import RESERVED_PORTS, Settings, host_ports
from homeport.wire.messages import Container, NetworkMode, PortMapping, Task

DYNAMIC = range(51_670, 51_690)  # few, and with reserved ones among them

mapping = st.one_of(
    st.builds(
        PortMapping,
        container_port=st.just(80),
        host_port=st.sampled_from((8080, 8081, 51_672)),
        protocol=st.sampled_from(("tcp", "udp")),
    ),
    st.builds(PortMapping, container_port=st.just(80), protocol=st.sampled_from(("tcp", "udp"))),
    st.builds(PortMapping, container_port=st.just(5000), last_port=st.integers(5001, 5006)),
)
containers = st.lists(st.tuples(st.lists(mapping, max_size=3), st.booleans()), min_size=1, max_size=3)
step = st.one_of(
    st.tuples(st.just("run"), st.tuples(st.sampled_from(("i-1", "i-2")), containers)),
    st.tuples(st.just("run"), st.tuples(st.just("i-1"), containers)),
    st.tuples(st.just("end"), st.integers(0, 20)),
    st.tuples(st.just("crash"), st.booleans()),
    st.tuples(st.just("listen"), st.sampled_from((*DYNAMIC, 8080))),
)


def make_task(number: int, instance: str, shape: list[tuple[list[PortMapping], bool]]) -> Task:
    return Task(
        id=f"t{number}",
        arn="",
        cluster_arn="",
        family="f",
        revision=1,
        network_mode=NetworkMode.BRIDGE,
        instance=instance,
        containers=tuple(
            Container(
                name=f"c{place}",
                arn="",
                runtime_id=f"{number}-{place}",
                endpoint_id="",
                image="i",
                port_mappings=tuple(mappings),
                network_disabled=disabled,
            )
            for place, (mappings, disabled) in enumerate(shape)
        ),
    )


class Node:
    def __init__(self) -> None:
        self.claims = Claims()
        self.kept: dict[str, tuple[Task, dict[str, ContainerState]]] = {}
        self.listening: set[int] = set()
        self.settings = Settings(dynamic=DYNAMIC)

    def run(self, task: Task, *, written: bool = True) -> None:
        busy = self.taken(task.instance)
        choice = self.claims.choose(task, self.settings, lambda _, port: port not in self.listening)
        networked = {container.name for container in task.containers if not container.network_disabled}
        assert {*choice.claims, *choice.failures} == networked
        assert not choice.claims.keys() & choice.failures.keys()
        for claim in choice.claims.values():
            for binding in claim.bindings:
                ports = {(binding.protocol, port) for port in host_ports(binding)}
                assert not ports & busy
                assert not self.listening & set(host_ports(binding))
        if written:
            states = {
                name: ContainerState(address=claim.address, bindings=claim.bindings)
                for name, claim in choice.claims.items()
            }
            self.kept[task.id] = task, states

    def taken(self, instance: str) -> set[tuple[str, int]]:
        return {
            (binding.protocol, port)
            for task, states in self.kept.values()
            if task.instance == instance
            for state in states.values()
            for binding in state.bindings
            for port in host_ports(binding)
        }

    def end(self, task: str) -> None:
        self.claims.free(self.kept.pop(task)[0])

    def crash(self) -> None:
        self.claims = Claims()
        for task, states in self.kept.values():
            self.claims.restore(task, states)

    def check(self) -> None:
        for instance in ("i-1", "i-2"):
            addresses, ports = [], []
            for task, states in self.kept.values():
                if task.instance != instance:
                    continue
                for name, state in states.items():
                    addresses.append(state.address)
                    ports += [(b.protocol, port) for b in state.bindings for port in host_ports(b)]
                    assert self.claims.holder(instance, state.address) == (task.id, name)
                    self.check_bindings(task, name, state)
            assert len(set(addresses)) == len(addresses)
            assert len(set(ports)) == len(ports)

    def check_bindings(self, task: Task, name: str, state: ContainerState) -> None:
        container = next(container for container in task.containers if container.name == name)
        assert len(state.bindings) == len(container.port_mappings)
        for binding, asked in zip(state.bindings, container.port_mappings, strict=True):
            if asked.host_port:
                assert binding.host_port == asked.host_port
                continue
            found = host_ports(binding)
            assert len(found) == max(asked.last_port - asked.container_port, 0) + 1
            assert set(found) <= set(DYNAMIC)
            assert asked.protocol == "udp" or not set(found) & RESERVED_PORTS


@pytest.mark.slow
@settings(max_examples=400)
@given(st.lists(step, max_size=30))
def test_no_port_and_no_address_is_ever_two_tasks(steps):
    node = Node()
    for number, (kind, value) in enumerate(steps):
        match kind:
            case "run":
                node.run(make_task(number, *value))
            case "end" if node.kept:
                node.end(list(node.kept)[value % len(node.kept)])
            case "crash":
                if value:  # in the middle of a choice that nobody will know of
                    node.run(make_task(number, "i-1", [([PortMapping(container_port=1)], False)]), written=False)
                node.crash()
            case "listen":
                node.listening ^= {value}
        node.check()
    for name in list(node.kept):
        node.end(name)
    node.listening.clear()
    for instance in ("i-1", "i-2"):  # everything has been returned
        whole = PortMapping(container_port=1, last_port=len(DYNAMIC) - 3)
        task = make_task(1000, instance, [([replace(whole, protocol="udp")], False)])
        choice = node.claims.choose(task, node.settings, lambda *_: True)
        assert not choice.failures
        assert choice.claims["c0"].address == "172.17.0.2"
        node.claims.free(task)
        node.claims.forget(instance)


@given(st.sets(st.sampled_from(DYNAMIC)), st.integers(1, 6), st.integers(0, 70_000))
def test_a_run_of_ports_is_found_wherever_there_is_one(busy, count, after):
    free = [port not in busy and port not in RESERVED_PORTS for port in DYNAMIC]
    exists = any(all(free[start : start + count]) for start in range(len(free) - count + 1))
    claims = Claims()
    state = ContainerState(address="172.17.0.9", bindings=())
    claims.restore(make_task(1, "i-1", [([], False)]), {"c0": state})
    claims._instances["i-1"].last_port = after
    asked = PortMapping(container_port=1, last_port=count if count > 1 else 0)
    task = make_task(2, "i-1", [([asked], False)])
    choice = claims.choose(task, Settings(dynamic=DYNAMIC), lambda _, port: port not in busy)
    assert bool(choice.claims) is exists
