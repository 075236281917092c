"""Where a task that runs is reached: by its own interface's address or its instance's, and through which port."""

from msgspec import UNSET

from homeport.db.database import Tx
from homeport.services.ec2 import store as ec2
from homeport.services.ecs.model.tasks import TaskRecord


async def address_of(tx: Tx, record: TaskRecord) -> str:
    """Return the address of the task's own interface, or of its instance's primary one."""
    interface = record.launch.interface
    if not interface:
        instance = await ec2.find_instance(tx, record.launch.ec2_instance)
        assert instance is not None, "a task that runs has an instance, or an interface of its own"
        interface = instance.interface
    found = await ec2.find_interface(tx, interface)
    assert found is not None, "an interface outlives what runs on it"
    return found.address


def host_port(record: TaskRecord, name: str, container_port: int) -> int:
    """Return the port under which a container's port is reached from outside the task."""
    for container in record.task.containers:
        if container.name != name or container.network_bindings is UNSET:
            continue
        for binding in container.network_bindings:
            if binding.container_port == container_port and binding.host_port is not UNSET:
                return binding.host_port
    return container_port
