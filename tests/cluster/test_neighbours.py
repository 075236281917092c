"""What one task must not learn of another on the same instance, whatever mode either is in."""

import uuid
from functools import partial

import pytest
from tests.cluster.conftest import hears, hears_nothing, shell, until
from tests.cluster.machines import Machines, eni_address

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

TELLING = shell("echo $ECS_CONTAINER_METADATA_URI_V4; trap 'exit 0' TERM; while true; do sleep 1; done")
INSTANCE_ID = "169.254.169.254/latest/meta-data/instance-id"
PATHS = ("", "/task", "/stats", "/task/stats", "/taskWithTags")


def run(machines: Machines, definition: str, mode: str) -> str:
    return machines.run(definition, groups=[] if mode == "awsvpc" else None)


def test_a_leaked_endpoint_id_is_worth_nothing_to_a_neighbour(machines: Machines) -> None:
    machines.ready()
    victims = {}
    for mode in ("bridge", "host", "awsvpc"):
        task = run(machines, machines.define(TELLING, mode=mode), mode)
        machines.running(task)
        (victims[mode],) = until("its endpoint", partial(machines.lab.lines, task, "main"))
    own = "wget -q -O - $ECS_CONTAINER_METADATA_URI_V4 | grep -q DockerId && echo own"
    for attacker in ("bridge", "host", "awsvpc"):
        # Two host-mode tasks share every address, so between them the id is all there is, as on AWS.
        targets = [victims[victim] for victim in victims if (attacker, victim) != ("host", "host")]
        asks = [f"wget -q -O - {url}{path} 2>/dev/null && echo reached {url}" for url in targets for path in PATHS]
        task = run(machines, machines.define(shell("; ".join([*asks, own])), mode=attacker), attacker)
        machines.stopped(task)
        lines = machines.lab.lines(task, "main")
        assert lines == ["own"], (attacker, lines)


def test_ids_cannot_be_guessed(machines: Machines) -> None:
    machines.ready()
    definition = machines.define(TELLING)
    ids = []
    for _ in range(2):
        task = machines.run(definition)
        machines.running(task)
        (url,) = until("its endpoint", partial(machines.lab.lines, task, "main"))
        ids.append(url.rpartition("/")[2])
        shown = machines.describe(task)
        assert ids[-1] not in str(shown), "the API shows nobody an id"
    assert len({*ids}) == 2
    assert [uuid.UUID(each).version for each in ids] == [4, 4]


def test_nobody_on_an_instance_can_pretend_to_be_a_neighbour(machines: Machines) -> None:
    """What a container with Docker's capabilities can try: other addresses, other links, packets made by hand."""
    machines.ready()
    tries = {
        "an address": "ip addr add 172.17.0.9/16 dev eth0",
        "a MAC address": "ip link set eth0 address 02:42:ac:11:00:09",
        "a route": "ip route add 169.254.170.2/32 via 172.17.0.9",
        "the agent by its bridge": "nc -w 1 172.17.0.1 51678 < /dev/null | grep -q Tasks",
        "a packet socket on the instance": "arping -c 1 -w 1 -I docker0 172.17.0.1",
    }
    script = "; ".join(f"( {what} ) >/dev/null 2>&1 && echo reached {name}" for name, what in tries.items())
    for mode in ("bridge", "host"):
        assert machines.output(machines.define(shell(f"{script}; echo tried"), mode=mode)) == ["tried"], mode


def test_the_agents_ports_are_closed_to_other_machines(machines: Machines) -> None:
    everything = machines.group(0, 65535)
    instance = machines.launch(SecurityGroupIds=[everything])
    machines.registered(instance)
    address = machines.private_address(instance)
    asks = "; ".join(
        f"( timeout 2 wget -q -O - http://{address}:{port}/v1/metadata && echo reached {port} ) 2>/dev/null"
        for port in (51678, 51679)
    )
    task = machines.lab.run(machines.lab.define(shell(f"{asks}; echo asked")))
    machines.lab.stopped(task)
    assert machines.lab.lines(task, "main") == ["asked"]


def test_instance_metadata_is_for_the_instance_and_its_tasks_as_its_settings_say(machines: Machines) -> None:
    optional = {"HttpTokens": "optional", "HttpPutResponseHopLimit": 1}
    open_ = machines.launch(MetadataOptions=optional)
    machines.registered(open_)
    for mode in ("bridge", "host", "awsvpc"):
        task = run(machines, machines.define(shell(hears(INSTANCE_ID)), mode=mode), mode)
        machines.stopped(task)
        assert machines.lab.lines(task, "main") == [open_], mode
    fargate = machines.lab.run(machines.lab.define(shell(hears_nothing(INSTANCE_ID))))
    machines.lab.stopped(fargate)
    assert machines.lab.lines(fargate, "main") == ["none"]


def test_metadata_can_be_kept_from_awsvpc_tasks(machines: Machines) -> None:
    optional = {"HttpTokens": "optional"}
    machines.registered(machines.launch(config="ECS_AWSVPC_BLOCK_IMDS=true", MetadataOptions=optional))
    ask = hears_nothing(INSTANCE_ID)
    assert machines.output(machines.define(shell(ask), mode="awsvpc"), groups=[]) == ["none"]


def test_addresses_of_one_instance_are_not_a_neighbours(machines: Machines) -> None:
    """A bridge container's requests leave as its instance, and an awsvpc task's as itself."""
    machines.ready()
    web = machines.define({"name": "main", "stopTimeout": 2}, mode="awsvpc")
    server = machines.running(machines.run(web, groups=[machines.group(80)]))
    target = eni_address(server)
    ask = shell(f"{hears(target)} >/dev/null; echo asked")
    assert machines.output(machines.define(ask)) == ["asked"]
    instance = machines.ec2.describe_instances(InstanceIds=machines.launched)["Reservations"][0]["Instances"][0]

    def seen() -> bool:
        return any(instance["PrivateIpAddress"] in line for line in machines.lab.lines(_arn(server), "main"))

    until("the request to be logged", seen)


def _arn(task: dict[str, object]) -> str:
    return str(task["taskArn"])
