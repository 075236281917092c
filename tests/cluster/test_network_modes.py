"""What each network mode means on an instance, with real packets."""

import pytest
from tests.cluster.conftest import hears, hears_nothing, shell, side
from tests.cluster.machines import DYNAMIC, Machines, bound, eni_address

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

WEB = {"name": "main", "stopTimeout": 2}


def test_an_absent_mode_means_bridge(machines: Machines) -> None:
    machines.ready()
    definition = machines.define(shell("ip -o -4 addr show dev eth0; ip route"))
    described = machines.ecs.describe_task_definition(taskDefinition=definition)["taskDefinition"]
    assert described["compatibilities"] == ["EC2", "EXTERNAL"]
    lines = machines.output(definition)
    assert "inet 172.17.0." in lines[0]
    assert lines[1].startswith("default via 172.17.0.1")


def test_two_copies_with_a_dynamic_port_answer_on_different_host_ports_of_one_instance(machines: Machines) -> None:
    instance = machines.launch(SecurityGroupIds=[machines.group(*DYNAMIC)])
    machines.registered(instance)
    web = machines.define({**WEB, "portMappings": [{"containerPort": 80}]})
    copies = [machines.running(machines.run(web)) for _ in range(2)]
    assert copies[0]["containerInstanceArn"] == copies[1]["containerInstanceArn"]
    bindings = [bound(task)[0] for task in copies]
    assert all(DYNAMIC[0] <= binding["hostPort"] <= DYNAMIC[1] for binding in bindings)
    assert bindings[0]["hostPort"] != bindings[1]["hostPort"]
    assert [binding["containerPort"] for binding in bindings] == [80, 80]
    address = machines.private_address(instance)
    asks = "; ".join(hears(f"{address}:{binding['hostPort']}/healthz") for binding in bindings)
    prober = machines.lab.define(shell(asks))
    assert machines.lab.lines(_ended(machines, prober), "main") == ["ok", "ok"]


def _ended(machines: Machines, fargate_definition: str) -> str:
    """Run a Fargate task of another address than any instance's, and return it when it has stopped."""
    task = machines.lab.run(fargate_definition)
    machines.lab.stopped(task)
    return task


def test_the_security_groups_of_a_bridge_container_are_its_instances(machines: Machines) -> None:
    group = machines.group()
    instance = machines.launch(SecurityGroupIds=[group])
    machines.registered(instance)
    task = machines.running(machines.run(machines.define({**WEB, "portMappings": [{"containerPort": 80}]})))
    port = bound(task)[0]["hostPort"]
    page = f"{machines.private_address(instance)}:{port}/healthz"
    prober = machines.lab.define(shell(hears_nothing(page)))
    assert machines.lab.lines(_ended(machines, prober), "main") == ["none"]
    machines.ec2.authorize_security_group_ingress(
        GroupId=group, IpProtocol="tcp", FromPort=port, ToPort=port, CidrIp="0.0.0.0/0"
    )
    prober = machines.lab.define(shell(hears(page)))
    assert machines.lab.lines(_ended(machines, prober), "main") == ["ok"]


def test_a_host_mode_task_with_a_port_mapping_cannot_run_twice_on_an_instance(machines: Machines) -> None:
    instance = machines.launch(SecurityGroupIds=[machines.group(80)])
    arn = machines.registered(instance)["containerInstanceArn"]
    web = machines.define({**WEB, "portMappings": [{"containerPort": 80}]}, mode="host")
    machines.running(machines.run(web))
    answer = machines.ask(web)
    assert answer["tasks"] == []
    assert [(failure["arn"], failure["reason"]) for failure in answer["failures"]] == [(arn, "RESOURCE:PORTS")]
    prober = machines.lab.define(shell(hears(f"{machines.private_address(instance)}/healthz")))
    assert machines.lab.lines(_ended(machines, prober), "main") == ["ok"]


def test_awsvpc_tasks_on_one_instance_all_serve_port_80(machines: Machines) -> None:
    machines.ready()
    group = machines.group(80)
    web = machines.define({**WEB, "portMappings": [{"containerPort": 80}]}, mode="awsvpc")
    tasks = [machines.running(machines.run(web, groups=[group])) for _ in range(2)]
    addresses = [eni_address(task) for task in tasks]
    assert len(set(addresses)) == 2
    prober = machines.lab.define(shell("; ".join(hears(f"{address}/healthz") for address in addresses)))
    assert machines.lab.lines(_ended(machines, prober), "main") == ["ok", "ok"]


def test_containers_of_an_awsvpc_task_share_localhost_and_those_of_a_bridge_task_do_not(machines: Machines) -> None:
    machines.ready()
    web = {"name": "web", "essential": False, "stopTimeout": 2}
    for mode, groups, answer in (("awsvpc", [], "ok"), ("bridge", None, "none")):
        ask = hears("127.0.0.1/healthz") if answer == "ok" else f"sleep 1; {hears_nothing('127.0.0.1/healthz')}"
        assert machines.output(machines.define(shell(ask), web, mode=mode), groups=groups) == [answer], mode


def test_a_bridge_container_cannot_be_reached_at_its_docker0_address_from_another_instance(
    machines: Machines,
) -> None:
    everything = machines.group(0, 65535)
    one, other = (machines.launch(SecurityGroupIds=[everything]) for _ in range(2))
    host, elsewhere = (machines.registered(each)["containerInstanceArn"] for each in (one, other))
    serving = machines.define({**WEB, "portMappings": [{"containerPort": 80}]})
    started = machines.ecs.start_task(cluster=machines.cluster, taskDefinition=serving, containerInstances=[host])
    machines.tasks.append(started["tasks"][0]["taskArn"])
    port = bound(machines.running(machines.tasks[-1]))[0]["hostPort"]
    address = machines.private_address(one)
    asks = f"ip route add 172.17.0.2/32 via {address} 2>/dev/null; {hears_nothing('172.17.0.2/healthz')}; "
    asks += hears(f"{address}:{port}/healthz")
    prober = machines.define(shell(asks), mode="host")
    probe = machines.ecs.start_task(cluster=machines.cluster, taskDefinition=prober, containerInstances=[elsewhere])
    machines.tasks.append(probe["tasks"][0]["taskArn"])
    machines.stopped(machines.tasks[-1])
    assert machines.lab.lines(machines.tasks[-1], "main") == ["none", "ok"]


def test_a_task_of_mode_none_has_nothing_but_a_loopback(machines: Machines) -> None:
    machines.ready()
    lines = machines.output(machines.define(shell("ls /sys/class/net; ip route; echo end"), mode="none"))
    assert lines == ["lo", "end"]


def test_linked_containers_find_each_other_by_name(machines: Machines) -> None:
    machines.ready()
    asks = f"{hears('backend/healthz')}; {hears('web/healthz')}; echo $BACKEND_PORT_80_TCP_PORT"
    web = {"name": "web", "essential": False, "stopTimeout": 2, "portMappings": [{"containerPort": 80}]}
    assert machines.output(machines.define(shell(asks, links=["web:backend"]), web)) == ["ok", "ok", "80"]


def test_hosts_and_resolvers_are_what_the_definition_says(machines: Machines) -> None:
    machines.ready()
    said = shell(
        "hostname; grep -c '10.9.8.7 *elsewhere' /etc/hosts; cat /etc/resolv.conf",
        hostname="told",
        extraHosts=[{"hostname": "elsewhere", "ipAddress": "10.9.8.7"}],
        dnsServers=["169.254.169.253"],
        dnsSearchDomains=["example.internal"],
    )
    lines = machines.output(machines.define(said))
    assert lines[:2] == ["told", "1"]
    assert set(lines[2:]) == {"search example.internal", "nameserver 169.254.169.253"}


def test_a_range_of_ports_is_published_in_a_row(machines: Machines) -> None:
    machines.ready()
    definition = machines.define({**WEB, "portMappings": [{"containerPortRange": "8000-8004"}]})
    (binding,) = bound(machines.running(machines.run(definition)))
    first, last = (int(port) for port in binding["hostPortRange"].split("-"))
    assert (binding["containerPortRange"], last - first) == ("8000-8004", 4)


def test_metadata_is_there_in_every_mode(machines: Machines) -> None:
    machines.ready()
    ask = 'wget -q -O - $ECS_CONTAINER_METADATA_URI_V4/task | grep -o \'"LaunchType":"EC2"\'; echo $AWS_EXECUTION_ENV'
    for mode in ("bridge", "host", "awsvpc"):
        groups: list[str] | None = [] if mode == "awsvpc" else None
        lines = machines.output(machines.define(shell(ask), side("true"), mode=mode), groups=groups)
        assert lines == ['"LaunchType":"EC2"', "AWS_ECS_EC2"], mode
