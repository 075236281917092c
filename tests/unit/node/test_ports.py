"""Which host ports and addresses containers of bridge tasks get."""

import pytest
from msgspec.structs import replace
from tests.unit.node.world import container, instance_task

from homeport.node.tasks.claims import Claims
from homeport.node.tasks.model import ContainerState
from homeport.node.tasks.ports import DYNAMIC_PORTS, Settings, settings
from homeport.wire.messages import Binding, NetworkMode, PortMapping

BRIDGE = NetworkMode.BRIDGE


def free(protocol: str, port: int) -> bool:
    return True


def mapped(*mappings: PortMapping, number: int = 1, **changes):
    return instance_task(number, BRIDGE, container("app", port_mappings=mappings), **changes)


def chosen(claims: Claims, task, config: Settings = Settings(), available=free) -> tuple[Binding, ...]:  # noqa: B008 - immutable
    choice = claims.choose(task, config, available)
    assert not choice.failures
    return choice.claims["app"].bindings


def reason(claims: Claims, task, config: Settings = Settings(), available=free) -> str:  # noqa: B008 - immutable
    choice = claims.choose(task, config, available)
    assert not choice.claims
    return choice.failures["app"]


def test_addresses_are_the_lowest_free_from_the_second_on():
    claims = Claims()
    tasks = [instance_task(number, BRIDGE, container("a"), container("b")) for number in range(3)]
    found = [c.address for task in tasks for c in claims.choose(task, Settings(), free).claims.values()]
    assert found == [f"172.17.0.{number}" for number in range(2, 8)]
    claims.free(tasks[1])
    again = claims.choose(instance_task(9, BRIDGE), Settings(), free)
    assert again.claims["app"].address == "172.17.0.4"


def test_instances_share_neither_addresses_nor_ports():
    claims = Claims()
    static = PortMapping(container_port=80, host_port=80)
    here, there = mapped(static), mapped(static, number=2, instance="i-2")
    assert chosen(claims, here) == chosen(claims, there)
    assert claims.holder("i-1", "172.17.0.2") == ("t1", "app")
    assert claims.holder("i-2", "172.17.0.2") == ("t2", "app")
    assert claims.holder("i-3", "172.17.0.2") is None


def test_a_static_port_is_given_as_asked_and_once():
    claims = Claims()
    static = PortMapping(container_port=80, host_port=8080)
    first = mapped(static)
    assert chosen(claims, first) == (Binding(container_port=80, host_port=8080),)
    assert reason(claims, mapped(static, number=2)) == (
        "CannotStartContainerError: Error response from daemon: driver failed programming external connectivity"
        " on endpoint app (000000000002app): Bind for 0.0.0.0:8080 failed: port is already allocated"
    )
    assert chosen(claims, mapped(replace(static, protocol="udp"), number=3))[0].host_port == 8080
    claims.free(first)
    assert chosen(claims, mapped(static, number=4))[0].host_port == 8080


def test_a_static_port_that_a_process_has_is_refused():
    found = reason(Claims(), mapped(PortMapping(container_port=80, host_port=80)), available=lambda *_: False)
    assert found.endswith("Error starting userland proxy: listen tcp4 0.0.0.0:80: bind: address already in use")


def test_dynamic_ports_go_on_from_the_last_and_begin_again_at_the_end():
    claims = Claims()
    config = Settings(dynamic=range(40_000, 40_003))
    dynamic = PortMapping(container_port=80)
    tasks = [mapped(dynamic, number=number) for number in range(6)]
    assert [chosen(claims, task, config)[0].host_port for task in tasks[:2]] == [40_000, 40_001]
    claims.free(tasks[0])
    assert chosen(claims, tasks[2], config)[0].host_port == 40_002
    assert chosen(claims, tasks[3], config)[0].host_port == 40_000
    assert reason(claims, tasks[4], config) == (
        "HostConfigError: error retrieving docker port map: a host port is unavailable"
    )


def test_a_range_gets_one_run_of_ports():
    config = Settings(dynamic=range(40_000, 40_010))
    asked = PortMapping(container_port=5000, last_port=5003)
    busy = {40_002, 40_007}
    bindings = chosen(Claims(), mapped(asked), config, lambda _, port: port not in busy)
    assert bindings == (Binding(container_port=5000, last_port=5003, host_port=40_003, last_host_port=40_006),)
    missing = reason(Claims(), mapped(replace(asked, last_port=5004)), config, lambda _, port: port not in busy)
    assert missing == "HostConfigError: error retrieving docker port map: 5 contiguous host ports are unavailable"


def test_a_run_that_began_before_the_last_port_is_found():
    claims = Claims()
    config = Settings(dynamic=range(40_000, 40_006))
    first = mapped(PortMapping(container_port=1, last_port=3))
    assert chosen(claims, first, config)[0].host_port == 40_000
    claims.free(first)
    assert chosen(claims, mapped(PortMapping(container_port=1, last_port=5), number=2), config)[0].host_port == 40_000


def test_reserved_ports_are_never_chosen():
    config = settings({"ECS_DYNAMIC_HOST_PORT_RANGE": "51677-51681", "ECS_RESERVED_PORTS": "[51680]"})
    dynamic = PortMapping(container_port=80)
    claims = Claims()
    assert [chosen(claims, mapped(dynamic, number=n), config)[0].host_port for n in (1, 2)] == [51_677, 51_681]
    assert "unavailable" in reason(claims, mapped(dynamic, number=3), config)
    assert chosen(claims, mapped(replace(dynamic, protocol="udp"), number=4), config)[0].host_port == 51_677


def test_a_port_asked_for_by_number_comes_before_dynamic_ones():
    config = Settings(dynamic=range(40_000, 40_002))
    task = instance_task(
        1,
        BRIDGE,
        container("app", port_mappings=(PortMapping(container_port=1), PortMapping(container_port=2))),
        container("other", port_mappings=(PortMapping(container_port=3, host_port=40_000),), essential=False),
    )
    choice = Claims().choose(task, config, free)
    assert set(choice.claims) == {"other"}
    one = instance_task(2, BRIDGE, *(replace(c, port_mappings=c.port_mappings[:1]) for c in task.containers))
    choice = Claims().choose(one, config, free)
    assert choice.claims["app"].bindings[0].host_port == 40_001


def test_what_one_container_could_not_have_others_get():
    claims = Claims()
    config = Settings(dynamic=range(40_000, 40_002))
    failing = mapped(PortMapping(container_port=1, host_port=80), PortMapping(container_port=2, last_port=9))
    assert "contiguous" in reason(claims, failing, config)
    assert chosen(claims, mapped(PortMapping(container_port=1, host_port=80), number=2), config)[0].host_port == 80


def test_bindings_come_in_the_order_of_the_mappings():
    mappings = (PortMapping(container_port=1), PortMapping(container_port=2, host_port=80))
    assert [binding.container_port for binding in chosen(Claims(), mapped(*mappings))] == [1, 2]


def test_a_container_without_network_claims_nothing():
    task = instance_task(1, BRIDGE, container("app", network_disabled=True), container("b"))
    assert set(Claims().choose(task, Settings(), free).claims) == {"b"}


def test_claims_are_what_they_were_after_a_restart():
    claims, dynamic = Claims(), PortMapping(container_port=80)
    task = mapped(dynamic)
    claim = claims.choose(task, Settings(), free).claims["app"]
    again = Claims()
    again.restore(task, {"app": ContainerState(address=claim.address, bindings=claim.bindings)})
    other = again.choose(mapped(dynamic, number=2), Settings(), free).claims["app"]
    assert (other.address, other.bindings[0].host_port) == ("172.17.0.3", DYNAMIC_PORTS[1])
    assert again.holder("i-1", claim.address) == ("t1", "app")


def test_an_unanswered_question_about_a_port_leaves_no_claim():
    def broken(protocol: str, port: int) -> bool:
        raise OSError("no such namespace")

    claims = Claims()
    static = PortMapping(container_port=80, host_port=80)
    with pytest.raises(OSError, match="no such namespace"):
        claims.choose(mapped(static, PortMapping(container_port=81)), Settings(), broken)
    assert chosen(claims, mapped(static, number=2))[0].host_port == 80


@pytest.mark.parametrize("text", ["", "many", "5-", "0-10", "60000-70000", "9-8", "1-2-3"])
def test_a_range_that_cannot_be_read_counts_as_absent(text):
    assert settings({"ECS_DYNAMIC_HOST_PORT_RANGE": text}).dynamic == DYNAMIC_PORTS


@pytest.mark.parametrize("text", ["", "22,80", "{}", '["80"]'])
def test_reserved_ports_that_cannot_be_read_count_as_absent(text):
    assert settings({"ECS_RESERVED_PORTS": text}) == settings({})
