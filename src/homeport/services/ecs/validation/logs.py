"""Log configurations."""

from collections.abc import Mapping, Sequence
from typing import Any

from homeport.services.ecs.errors import Client

_REQUIRED = ("awslogs-region", "awslogs-group")


def check_all(containers: Sequence[Mapping[str, Any]]) -> None:
    """Check what each log driver needs, and that FireLens has its router."""
    routers = [container for container in containers if container.get("firelensConfiguration")]
    if len(routers) > 1:
        raise Client("Only one container in a task can have firelensConfiguration.")
    for container in containers:
        configuration = container.get("logConfiguration") or {}
        driver, options = configuration.get("logDriver"), configuration.get("options", {})
        if driver == "awslogs":
            missing = [option for option in _REQUIRED if not options.get(option)]
            if missing:
                raise Client(f"Log driver awslogs requires options: {', '.join(missing)}")
            if options.get("awslogs-create-group", "true") not in {"true", "false"}:
                raise Client("Log driver awslogs requires option awslogs-create-group to be true or false.")
        if driver == "awsfirelens" and not routers:
            raise Client(
                "When awsfirelens log driver is specified in log configuration, one container must be configured "
                "with firelensConfiguration."
            )
