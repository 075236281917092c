"""Services whose tasks Cloud Map lists: the reconciler over the whole API, the test being the node."""

from typing import Any

import pytest

from homeport.fleet import assignments
from homeport.gateway.app import Gateway
from homeport.kit.clock import SystemClock
from homeport.kit.ids import RandomIds
from homeport.services.registry import SERVICES
from homeport.services.route53.reconcilers import names
from homeport.wire.messages import Binding

from .machines import Machines
from .services import Service

CHECKED = {"name": "web", "image": "homeport/web:latest", "healthCheck": {"command": ["CMD-SHELL", "true"]}}
PUBLISHED = {"name": "web", "image": "web", "memory": 64, "cpu": 10, "portMappings": [{"containerPort": 80}]}


class Discovery:
    """Cloud Map with a private namespace, beside ECS."""

    def __init__(self, ecs: Any) -> None:
        self.ecs = ecs
        self.client = ecs.api.client("servicediscovery")
        answer = self.client.create_private_dns_namespace(Name="shop.internal", Vpc=ecs.subnets[0].vpc)
        operation = self.client.get_operation(OperationId=answer["OperationId"])["Operation"]
        assert operation["Status"] == "SUCCESS", operation
        self.namespace = operation["Targets"]["NAMESPACE"]

    def service(self, *types: str, name: str = "web", **more: Any) -> str:
        """Make a Cloud Map service and return its ARN."""
        config = {"DnsRecords": [{"Type": type_, "TTL": 10} for type_ in types or ("A",)]}
        made = self.client.create_service(Name=name, NamespaceId=self.namespace, DnsConfig=config, **more)
        return str(made["Service"]["Arn"])

    def found(self, name: str = "web", **more: Any) -> dict[str, dict[str, Any]]:
        """Return what DiscoverInstances finds, by id."""
        answer = self.client.discover_instances(NamespaceName="shop.internal", ServiceName=name, **more)
        return {one["InstanceId"]: one for one in answer["Instances"]}

    def told(self) -> dict[str, str]:
        """Return the addresses that the node knows of, by task, before any reconciler has another turn."""

        async def read(tx: Any) -> Any:
            return await assignments.items(tx, "node-1", "RecordSet")

        items = self.ecs.in_transaction(read)
        return {item.set_identifier: item.values[0] for item in items if item.kind == "A" and item.set_identifier}

    def tell(self) -> None:
        """Let the reconciler of names look once."""
        self.ecs.api.run(names.one_pass(self.ecs.database, self.ecs.clock, lambda _: None))


@pytest.fixture
def discovery(ecs: Any, api_server: Any) -> Discovery:
    api_server.gateway = Gateway(
        dict(SERVICES),
        ecs.database,
        ecs.api.keys,
        account=ecs.api.account,
        clock=SystemClock(),
        ids=RandomIds(),
        wake=ecs.api.wakes.append,
    )
    return Discovery(ecs)


def task_id(task: dict[str, Any]) -> str:
    return str(task["taskArn"].rpartition("/")[2])


def address(task: dict[str, Any]) -> str:
    details = {pair["name"]: pair["value"] for pair in task["attachments"][0]["details"]}
    return str(details["privateIPv4Address"])


def test_a_running_task_is_listed_with_the_attributes_of_aws(ecs: Any, discovery: Discovery) -> None:
    arn = discovery.service()
    service = Service(ecs, name="front", serviceRegistries=[{"registryArn": arn}])
    assert service.shown()["serviceRegistries"] == [{"registryArn": arn}]
    ecs.place()
    assert discovery.found() == {}, "no task runs yet"
    service.start()
    running = {task_id(task): task for task in service.tasks()}
    assert len(running) == 2
    assert {id_: one["Attributes"] for id_, one in discovery.found().items()} == {
        id_: {
            "AWS_INSTANCE_IPV4": address(task),
            "AVAILABILITY_ZONE": task["availabilityZone"],
            "REGION": "us-east-1",
            "ECS_CLUSTER_NAME": "default",
            "ECS_SERVICE_NAME": "front",
            "ECS_TASK_DEFINITION_FAMILY": "web",
        }
        for id_, task in running.items()
    }
    discovery.tell()
    assert discovery.told() == {id_: address(task) for id_, task in running.items()}


def test_a_task_that_is_told_to_stop_has_no_name_at_once(ecs: Any, discovery: Discovery) -> None:
    service = Service(ecs, serviceRegistries=[{"registryArn": discovery.service()}])
    service.become_steady()
    discovery.tell()
    first, second = (task_id(task) for task in service.tasks())
    assert set(discovery.told()) == {first, second}
    ecs.client.stop_task(task=first)
    assert set(discovery.told()) == set(discovery.found()) == {second}
    service.update(desiredCount=0)
    assert discovery.told() == {}
    assert discovery.found() == {}


def test_a_task_that_ends_by_itself_has_no_name_before_its_address_is_free(ecs: Any, discovery: Discovery) -> None:
    service = Service(ecs, desiredCount=1, serviceRegistries=[{"registryArn": discovery.service()}])
    service.start()
    discovery.tell()
    [task] = service.tasks()
    assert set(discovery.told()) == {task_id(task)}
    ecs.report(task, "stopped", containers={"web": {"status": "STOPPED", "exit_code": 1}})
    assert discovery.told() == {}
    assert discovery.found() == {}
    addresses = [each["PrivateIpAddress"] for each in interfaces(ecs)]
    assert address(task) in addresses, "the address is still its own"


def interfaces(ecs: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ecs.api.client("ec2").describe_network_interfaces()["NetworkInterfaces"]
    return found


def test_whoever_has_a_name_has_its_address_through_many_deployments(ecs: Any, discovery: Discovery) -> None:
    """After every step of tasks that come and go: each address that a name leads to is its task's own."""
    service = Service(ecs, desiredCount=3, serviceRegistries=[{"registryArn": discovery.service()}])
    held: set[str] = set()

    def check() -> None:
        owners = {task_id(task): task for task in service.tasks() if task["lastStatus"] == "RUNNING"}
        for id_, told in discovery.told().items():
            assert id_ in owners, "only tasks that are meant to run have names"
            assert told == address(owners[id_])
            held.add(told)

    for step in range(5):
        service.start()
        check()
        discovery.tell()
        check()
        assert len(discovery.told()) >= 2, "at most one was stopped and has no successor yet"
        service.update(forceNewDeployment=True)
        check()
        service.start()
        service.settle()
        check()
        service.finish()
        check()
        if step % 2:
            ecs.client.stop_task(task=service.tasks()[0]["taskArn"])
            check()
    assert held


def test_health_of_containers_is_the_instance_s_health(ecs: Any, discovery: Discovery) -> None:
    ecs.register(CHECKED)
    arn = discovery.service(HealthCheckCustomConfig={})
    service = Service(ecs, taskDefinition="web", serviceRegistries=[{"registryArn": arn}])
    service.start()
    first, second = service.tasks()

    def say(task: dict[str, Any], health: str) -> None:
        ecs.report(task, "running", containers={"web": {"status": "RUNNING", "health": health}})

    def health() -> dict[str, str]:
        return {id_: one["HealthStatus"] for id_, one in discovery.found().items()}

    assert set(health().values()) == {"UNHEALTHY"}, "their checks have not said anything"
    say(first, "HEALTHY")
    assert health() == {task_id(first): "HEALTHY", task_id(second): "UNHEALTHY"}
    discovery.tell()
    assert set(discovery.told()) == {task_id(first)}
    say(second, "HEALTHY")
    say(first, "UNHEALTHY")
    assert health() == {task_id(first): "UNHEALTHY", task_id(second): "HEALTHY"}
    assert task_id(first) not in discovery.told()


def test_on_an_instance_the_host_s_address_and_port_are_told(ecs: Any, discovery: Discovery) -> None:
    machines = Machines(ecs)
    machine = machines.launch()
    machines.look()
    ecs.register(PUBLISHED, requiresCompatibilities=["EC2"], networkMode="bridge")
    arn = discovery.service("SRV")
    registry = {"registryArn": arn, "containerName": "web", "containerPort": 80}
    service = Service(
        ecs,
        taskDefinition="web",
        launchType="EC2",
        networkConfiguration=None,
        desiredCount=1,
        serviceRegistries=[registry],
    )
    binding = Binding(container_port=80, host_port=32768, protocol="tcp")
    service.start(web={"status": "RUNNING", "bindings": (binding,)})
    [one] = discovery.found().values()
    assert one["Attributes"]["EC2_INSTANCE_ID"] == machine
    assert one["Attributes"]["AWS_INSTANCE_PORT"] == "32768"
    [host] = [each["PrivateIpAddress"] for each in interfaces(ecs)]
    assert one["Attributes"]["AWS_INSTANCE_IPV4"] == host


def test_new_registries_are_for_new_tasks(ecs: Any, discovery: Discovery) -> None:
    one, two = discovery.service(name="one"), discovery.service(name="two")
    service = Service(ecs, desiredCount=1, serviceRegistries=[{"registryArn": one}])
    service.become_steady()
    [old] = service.tasks()
    service.update(serviceRegistries=[{"registryArn": two}])
    service.start()
    assert set(discovery.found("one")) == {task_id(old)}
    assert len(discovery.found("two")) == 1
    service.become_steady()
    assert discovery.found("one") == {}
    service.update(desiredCount=2)
    service.start()
    assert len(discovery.found("two")) == 2, "who says nothing of registries keeps them"
    service.update(serviceRegistries=[])
    service.become_steady()
    assert discovery.found("two") == {}
    assert service.shown()["serviceRegistries"] == []


def test_registries_that_do_not_fit_are_refused(ecs: Any, discovery: Discovery) -> None:
    ecs.register()
    arn = discovery.service()

    def refusal(*registries: dict[str, Any]) -> tuple[str, str]:
        refused: tuple[str, str] = ecs.refusal(
            ecs.client.create_service,
            serviceName="web",
            taskDefinition="web",
            desiredCount=1,
            launchType="FARGATE",
            networkConfiguration=ecs.network(),
            serviceRegistries=list(registries),
        )
        return refused

    assert refusal({"registryArn": arn}, {"registryArn": arn}) == (
        "InvalidParameterException",
        "service registries can have at most 1 items",
    )
    assert refusal({"registryArn": arn + "0"})[0] == "InvalidParameterException"
    assert refusal({"registryArn": "web"})[0] == "InvalidParameterException"
    assert refusal({"registryArn": arn, "containerName": "web", "containerPort": 80})[0] == "InvalidParameterException"


def test_a_registry_that_is_gone_stops_nothing(ecs: Any, discovery: Discovery) -> None:
    arn = discovery.service()
    service = Service(ecs, desiredCount=1, serviceRegistries=[{"registryArn": arn}])
    service.start()
    discovery.client.deregister_instance(ServiceId=arn, InstanceId=task_id(service.tasks()[0]))
    discovery.client.delete_service(Id=arn)
    service.become_steady()
    service.update(forceNewDeployment=True)
    service.become_steady()
    assert service.shown()["runningCount"] == 1
