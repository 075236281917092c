"""Container instances as clients see them, and tasks that are placed on them."""

import random
import time
from typing import Any

import pytest
from tests.api.ecs.machines import ROOT, Machines

from homeport.services.ec2.instance import State
from homeport.wire.messages import NetworkMode

WEB = {"name": "web", "image": "web", "memory": 100, "cpu": 10}


@pytest.fixture
def machines(ecs: Any) -> Machines:
    return Machines(ecs)


def define(ecs: Any, mode: str | None = None, *containers: dict[str, Any], **more: Any) -> str:
    given = {"networkMode": mode} if mode else {}
    answer = ecs.client.register_task_definition(
        family="on-ec2", containerDefinitions=list(containers) or [WEB], **given, **more
    )
    return str(answer["taskDefinition"]["taskDefinitionArn"])


def ask(ecs: Any, definition: str, **more: Any) -> dict[str, Any]:
    return dict(ecs.client.run_task(taskDefinition=definition, **more))


def resources(instance: dict[str, Any], kind: str = "remainingResources") -> dict[str, Any]:
    return {
        each["name"]: each["integerValue"] if each["type"] == "INTEGER" else sorted(map(int, each["stringSetValue"]))
        for each in instance[kind]
    }


def test_a_machine_with_an_agent_registers_once(ecs: Any, machines: Machines) -> None:
    machine = machines.launch(agent={"ECS_RESERVED_MEMORY": "96", "ECS_INSTANCE_ATTRIBUTES": '{"stack": "prod"}'})
    found = machines.registered(machine)
    assert (found["status"], found["agentConnected"]) == ("ACTIVE", True)
    assert resources(found) == {"CPU": 2048, "MEMORY": 4000, "PORTS": [22, 2375, 2376, 51678, 51679], "PORTS_UDP": []}
    attributes = {each["name"]: each.get("value") for each in found["attributes"]}
    assert attributes["stack"] == "prod"
    assert attributes["ecs.capability.task-eni"] is None
    machines.look()
    assert len(ecs.client.list_container_instances()["containerInstanceArns"]) == 1
    assert ecs.client.describe_clusters()["clusters"][0]["registeredContainerInstancesCount"] == 1


def test_a_machine_waits_for_its_cluster(ecs: Any, machines: Machines) -> None:
    machines.launch(agent={"ECS_CLUSTER": "later"})
    machines.look()
    ecs.client.create_cluster(clusterName="later")
    machines.look()
    assert len(ecs.client.list_container_instances(cluster="later")["containerInstanceArns"]) == 1


def test_without_an_instance_there_is_nowhere_to_go(ecs: Any) -> None:
    refusal = ecs.refusal(ecs.client.run_task, taskDefinition=define(ecs))
    assert refusal == ("InvalidParameterException", "No Container Instances were found in your cluster.")


@pytest.mark.parametrize("mode", [None, "bridge", "host", "none"])
def test_a_task_without_an_interface_is_pending_at_once(ecs: Any, machines: Machines, mode: str | None) -> None:
    arn = machines.registered(machines.launch())["containerInstanceArn"]
    (task,) = ask(ecs, define(ecs, mode))["tasks"]
    assert (task["lastStatus"], task["attachments"], task["launchType"]) == ("PENDING", [], "EC2")
    assert task["containerInstanceArn"] == arn
    assert (task["cpu"], task["memory"]) == ("10", "100")
    assert not {"platformVersion", "platformFamily", "ephemeralStorage"} & task.keys()
    ecs.place()
    item = ecs.assigned_task(task)
    assert item is not None
    assert (item.network_mode, item.eni) == (NetworkMode(mode or "bridge"), "")
    assert len(item.containers[0].runtime_id) == 64
    for phase, status in (("accepted", "PENDING"), ("network-ready", "PENDING"), ("running", "RUNNING")):
        ecs.report(task, phase)
        assert ecs.describe(task)["lastStatus"] == status
    ecs.client.stop_task(task=task["taskArn"])
    for phase, status in (("stopping", "STOPPING"), ("stopped", "STOPPING"), ("gone", "STOPPED")):
        ecs.report(task, phase)
        assert ecs.describe(task)["lastStatus"] == status


def test_bindings_are_shown_as_the_node_reports_them(ecs: Any, machines: Machines) -> None:
    machines.registered(machines.launch())
    ports = [{"containerPort": 80}, {"containerPortRange": "90-92"}]
    (task,) = ask(ecs, define(ecs, None, {**WEB, "portMappings": ports}))["tasks"]
    ecs.place()
    from homeport.wire.messages import Binding

    bindings = (
        Binding(container_port=80, host_port=32768),
        Binding(container_port=90, last_port=92, host_port=32769, last_host_port=32771),
    )
    ecs.report(task, "running", containers={"web": {"status": "RUNNING", "bindings": bindings}})
    assert ecs.describe(task)["containers"][0]["networkBindings"] == [
        {"bindIP": "0.0.0.0", "containerPort": 80, "hostPort": 32768, "protocol": "tcp"},
        {"bindIP": "0.0.0.0", "protocol": "tcp", "containerPortRange": "90-92", "hostPortRange": "32769-32771"},
    ]


def test_one_reason_is_given_for_each_instance(ecs: Any, machines: Machines) -> None:
    found = [machines.registered(machines.launch(zone=zone)) for zone in (0, 1)]
    fixed = define(ecs, "host", {**WEB, "portMappings": [{"containerPort": 80}]})
    answer = ask(ecs, fixed, count=3)
    assert len(answer["tasks"]) == 2
    assert {(each["arn"], each["reason"]) for each in answer["failures"]} == {
        (each["containerInstanceArn"], "RESOURCE:PORTS") for each in found
    }
    assert all(
        each["detail"] == "Host ports the task needs are in use or reserved: tcp 80." for each in answer["failures"]
    )


def test_an_interface_is_made_in_the_instances_zone_and_counted(ecs: Any, machines: Machines) -> None:
    found = machines.registered(machines.launch(zone=1))
    subnets = [subnet.id for subnet in ecs.subnets[:2]]
    network = {"awsvpcConfiguration": {"subnets": subnets}}
    definition = define(ecs, "awsvpc")
    answer = ask(ecs, definition, count=3, networkConfiguration=network)
    assert [failure["reason"] for failure in answer["failures"]] == ["RESOURCE:ENI"]
    assert len(answer["tasks"]) == 2
    assert answer["tasks"][0]["attachments"][0]["details"] == [{"name": "subnetId", "value": subnets[1]}]
    ecs.place()
    assert ecs.describe(answer["tasks"][0])["attachments"][0]["status"] == "ATTACHING"
    elsewhere = {"awsvpcConfiguration": {"subnets": subnets[:1]}}
    reasons = ask(ecs, definition, networkConfiguration=elsewhere)["failures"]
    assert [(each["arn"], each["reason"]) for each in reasons] == [(found["containerInstanceArn"], "LOCATION")]


def test_start_task_goes_where_it_is_told(ecs: Any, machines: Machines) -> None:
    one, other = (machines.registered(machines.launch())["containerInstanceArn"] for _ in range(2))
    answer = ecs.client.start_task(taskDefinition=define(ecs), containerInstances=[other, "f" * 32])
    assert [task["containerInstanceArn"] for task in answer["tasks"]] == [other]
    assert [failure["reason"] for failure in answer["failures"]] == ["MISSING"]
    listed = ecs.client.list_tasks(containerInstance=other)["taskArns"]
    assert listed == [answer["tasks"][0]["taskArn"]]
    assert ecs.client.list_tasks(containerInstance=one)["taskArns"] == []


@pytest.mark.parametrize(
    ("state", "word", "status"),
    [(State.STOPPING, "stopped", "ACTIVE"), (State.SHUTTING_DOWN, "terminated", "INACTIVE")],
)
@pytest.mark.parametrize("node_first", [True, False])
def test_tasks_end_with_their_host(
    ecs: Any, machines: Machines, state: State, word: str, status: str, node_first: bool
) -> None:
    machine = machines.launch()
    machines.registered(machine)
    (task,) = ask(ecs, define(ecs))["tasks"]
    ecs.place()
    ecs.report(task, "running")
    machines.become(machine, state)
    if node_first:
        ecs.report(task, "stopping", cause="essential-exited")
    else:
        machines.look()
    ecs.report(task, "gone", cause="host-lost")
    ended = ecs.describe(task)
    assert ended["stopCode"] == "TerminationNotice"
    assert ended["stoppedReason"] == f"Host EC2 (instance {machine}) {word}."
    found = machines.registered(machine)
    assert (found["status"], found["agentConnected"]) == (status, False)
    assert resources(found) == resources(found, "registeredResources")


def test_a_stopped_machine_comes_back_as_what_it_was(ecs: Any, machines: Machines) -> None:
    machine = machines.launch()
    before = machines.registered(machine)["containerInstanceArn"]
    machines.become(machine, State.STOPPED)
    machines.look()
    machines.become(machine, State.RUNNING)
    assert machines.registered(machine)["containerInstanceArn"] == before


def test_what_remains_always_adds_up(ecs: Any, machines: Machines) -> None:
    """Whatever happens to tasks in whatever order, an instance has left what they leave."""
    dice = random.Random(3)
    machine = machines.launch()
    machines.registered(machine)
    definitions = [
        define(ecs, None, {**WEB, "cpu": 100, "portMappings": [{"containerPort": 80, "hostPort": port}]})
        for port in (0, 8080, 8081)
    ]
    live: dict[str, tuple[dict[str, Any], str]] = {}
    for _ in range(60):
        if dice.random() < 0.5 or not live:
            definition = dice.choice(definitions)
            for task in ask(ecs, definition)["tasks"]:
                live[task["taskArn"]] = (task, definition)
        else:
            task, _ = live[dice.choice(sorted(live))]
            match dice.choice(("place", "running", "stop", "gone")):
                case "place":
                    ecs.place()
                case "stop":
                    ecs.client.stop_task(task=task["taskArn"])
                    ecs.place()
                case phase if ecs.assigned_task(task) is not None:
                    ecs.report(task, phase)
        states = {arn: ecs.describe(task)["lastStatus"] for arn, (task, _) in live.items()}
        live = {arn: each for arn, each in live.items() if states[arn] != "STOPPED"}
        found = machines.registered(machine)
        left, own = resources(found), resources(found, "registeredResources")
        assert own["CPU"] - left["CPU"] == 100 * len(live)
        assert own["MEMORY"] - left["MEMORY"] == 100 * len(live)
        fixed = {
            definitions.index(definition) + 8079 for _, definition in live.values() if definition != definitions[0]
        }
        assert set(left["PORTS"]) - set(own["PORTS"]) == fixed
        assert found["runningTasksCount"] + found["pendingTasksCount"] == len(live)


def test_draining_takes_nothing_new(ecs: Any, machines: Machines) -> None:
    arn = machines.registered(machines.launch())["containerInstanceArn"]
    changed = ecs.client.update_container_instances_state(containerInstances=[arn], status="DRAINING")
    assert changed["containerInstances"][0]["status"] == "DRAINING"
    assert ecs.refusal(ask, ecs=ecs, definition=define(ecs))[1] == "No Container Instances were found in your cluster."
    started = ecs.client.start_task(taskDefinition=define(ecs), containerInstances=[arn])
    assert [each["reason"] for each in started["failures"]] == ["INACTIVE"]


def test_an_instance_with_tasks_is_deregistered_by_force_alone(ecs: Any, machines: Machines) -> None:
    machine = machines.launch()
    arn = machines.registered(machine)["containerInstanceArn"]
    (task,) = ask(ecs, define(ecs))["tasks"]
    refusal = ecs.refusal(ecs.client.deregister_container_instance, containerInstance=arn)
    assert refusal == ("InvalidParameterException", "Found running tasks on the instance.")
    ecs.client.deregister_container_instance(containerInstance=arn, force=True)
    assert ecs.describe(task)["stoppedReason"] == "Container instance deregistration forced by user"
    machines.look()
    assert ecs.client.list_container_instances()["containerInstanceArns"] == []


def test_attributes_are_given_listed_and_taken(ecs: Any, machines: Machines) -> None:
    arn = machines.registered(machines.launch())["containerInstanceArn"]
    given = [{"name": "stack", "value": "prod", "targetId": arn}]
    ecs.client.put_attributes(attributes=given)
    query = {"targetType": "container-instance", "attributeName": "stack"}
    assert ecs.client.list_attributes(**query)["attributes"] == given
    constraint = [{"type": "memberOf", "expression": "attribute:stack == test"}]
    (failure,) = ask(ecs, define(ecs), placementConstraints=constraint)["failures"]
    assert failure["reason"] == "MemberOf placement constraint unsatisfied."
    ecs.client.delete_attributes(attributes=[{"name": "stack", "targetId": arn}])
    assert ecs.client.list_attributes(**query)["attributes"] == []
    reserved = [{"name": "ecs.vpc-id", "value": "vpc-1", "targetId": arn}]
    assert ecs.refusal(ecs.client.put_attributes, attributes=reserved)[0] == "InvalidParameterException"
    unknown = [{"name": "x", "targetId": "f" * 32}]
    assert ecs.refusal(ecs.client.put_attributes, attributes=unknown)[0] == "TargetNotFoundException"
    many = [{"name": f"a{number}", "targetId": arn} for number in range(10)]
    ecs.client.put_attributes(attributes=many)
    assert ecs.refusal(ecs.client.put_attributes, attributes=given)[0] == "AttributeLimitExceededException"


def test_a_cluster_with_instances_stays(ecs: Any, machines: Machines) -> None:
    machines.registered(machines.launch())
    refusal = ecs.refusal(ecs.client.delete_cluster, cluster="default")
    assert refusal[0] == "ClusterContainsContainerInstancesException"


def trunk(found: dict[str, Any]) -> bool:
    return any(each["name"] == "ecs.awsvpc-trunk-id" for each in found["attributes"])


@pytest.mark.parametrize("chosen_by", ["role", "user", "account", "nobody", "role-against-account"])
@pytest.mark.parametrize("before_launch", [True, False])
def test_trunking_is_for_those_who_opted_in_before_the_launch(
    ecs: Any, machines: Machines, chosen_by: str, before_launch: bool
) -> None:
    role, user = "arn:aws:iam::123456789012:role/hosts", "arn:aws:iam::123456789012:user/alice"
    put, name = ecs.client.put_account_setting, "awsvpcTrunking"
    match chosen_by:
        case "role":
            put(name=name, value="enabled", principalArn=role)
        case "user":
            put(name=name, value="enabled", principalArn=user)
        case "account":
            ecs.client.put_account_setting_default(name=name, value="enabled")
        case "role-against-account":
            ecs.client.put_account_setting_default(name=name, value="enabled")
            put(name=name, value="disabled", principalArn=role)
    launched_at = time.time() + (60 if before_launch else -60)
    who: dict[str, Any] = {"launched_by": user} if chosen_by == "user" else {"role": "hosts"}
    found = machines.registered(machines.launch(launched_at=launched_at, **who))
    others = machines.registered(machines.launch(launched_at=launched_at, launched_by=ROOT))
    assert trunk(found) is (before_launch and chosen_by in {"role", "user", "account"})
    assert trunk(others) is (before_launch and chosen_by in {"account", "role-against-account"})
    network = {"awsvpcConfiguration": {"subnets": [ecs.subnet]}}
    definition = define(ecs, "awsvpc", {**WEB, "cpu": 0, "memory": 6})
    started = 0
    while not (
        answer := ecs.client.start_task(
            taskDefinition=definition,
            containerInstances=[found["containerInstanceArn"]],
            networkConfiguration=network,
        )
    )["failures"]:
        started += 1
    assert (started, answer["failures"][0]["reason"]) == (10 if trunk(found) else 2, "RESOURCE:ENI")


def test_a_task_waits_for_an_interface_that_users_hold_and_gives_up(ecs: Any, machines: Machines) -> None:
    from homeport.db.database import Tx
    from homeport.services.ec2 import store as ec2

    machine = machines.launch()
    machines.registered(machine)

    async def attach(tx: Tx) -> None:
        instance = await ec2.find_instance(tx, machine)
        assert instance is not None
        for _ in range(2):
            group = await ec2.default_security_group(tx, instance.vpc)
            made = await ec2.allocate_interface(tx, subnet=ecs.subnets[0], groups=[group], now=1.0, ids=machines.ids)
            await ec2.attach_interface(tx, made, instance, now=1.0, ids=machines.ids)

    ecs.in_transaction(attach)
    network = {"awsvpcConfiguration": {"subnets": [ecs.subnet]}}
    (task,) = ask(ecs, define(ecs, "awsvpc"), networkConfiguration=network)["tasks"]
    ecs.place()
    assert ecs.describe(task)["lastStatus"] == "PROVISIONING"
    ecs.clock.advance(200)
    ecs.place()
    ended = ecs.describe(task)
    assert ended["stoppedReason"] == "Timeout waiting for network interface provisioning to complete."
    assert ended["stopCode"] == "TaskFailedToStart"
