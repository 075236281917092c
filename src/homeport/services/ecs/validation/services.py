"""What CreateService and UpdateService check that needs no look-up (reference, 1.9.5)."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from homeport.aws.fields import Fields
from homeport.services.ecs.deployments.model import Strategy
from homeport.services.ecs.errors import InvalidParameter, UnsupportedFeature
from homeport.services.ecs.model.services import Breaker, DeploymentConfiguration, Threshold
from homeport.services.ecs.validation import shifting

_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
_TOKEN = re.compile(r"[\x21-\x7e]{1,36}")
_MOST_DESIRED = 5000
_LONGEST_GRACE = 2**31 - 1

_ZONES_FIRST = {"type": "spread", "field": "attribute:ecs.availability-zone"}

DEFAULTS = {
    "REPLICA": DeploymentConfiguration(),
    "DAEMON": DeploymentConfiguration(minimum_healthy_percent=0, maximum_percent=100),
}


def check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise InvalidParameter("Invalid service name: letters, digits, hyphens and underscores, at most 255 of them.")


def check_token(token: str | None) -> None:
    if token is not None and not _TOKEN.fullmatch(token):
        raise InvalidParameter("clientToken must have between 1 and 36 printable ASCII characters.")


def check_scheduling(
    scheduling: str, desired_count: int | None, launch_type: str, placement_strategy: Sequence[Any]
) -> None:
    """Refuse what a service that has one task on each container instance cannot have."""
    if scheduling != "DAEMON":
        return
    if desired_count is not None:
        raise InvalidParameter(
            "The daemon scheduling strategy does not support a desired count for services. Remove the desired count "
            "value and try again."
        )
    if placement_strategy:
        raise InvalidParameter("The daemon scheduling strategy does not support placement strategies")
    if launch_type == "FARGATE":
        raise InvalidParameter(
            "The daemon scheduling strategy is not supported with the FARGATE launch type."  # unconfirmed
        )


def parse_rebalancing(
    given: str | None, scheduling: str, strategy: Sequence[Mapping[str, Any]], configuration: DeploymentConfiguration
) -> bool:
    """
    Say whether a service's tasks are kept spread over its zones (reference, 4.7).

    A new service has that unless it is told otherwise or could not have it.
    """
    if given == "DISABLED":
        return False
    refusal = ""
    if scheduling == "DAEMON":
        refusal = "The daemon scheduling strategy does not support AZ rebalancing"
    elif strategy and strategy[0] != _ZONES_FIRST:
        refusal = "AZ rebalancing needs a placement strategy that first spreads over availability zones, or none."
    elif configuration.maximum_percent <= 100:
        refusal = "AZ rebalancing needs a maximumPercent above 100."
    if given == "ENABLED" and refusal:
        raise InvalidParameter(refusal)  # the sentences but for the first: unconfirmed
    return not refusal


def check_needed(scheduling: str, desired_count: int | None, task_definition: str | None) -> tuple[int, str]:
    """Return the desired count, which only daemons can leave out, and the task definition of a new service."""
    count = 0 if desired_count is None and scheduling == "DAEMON" else desired_count
    if count is None or task_definition is None:
        missing = "desiredCount" if count is None else "taskDefinition"
        raise InvalidParameter(f"{missing} is required for a service of this kind.")  # unconfirmed
    check_desired_count(count)
    return count, task_definition


def check_desired_count(count: int) -> None:
    if not 0 <= count <= _MOST_DESIRED:
        raise InvalidParameter(f"desiredCount must be between 0 and {_MOST_DESIRED}.")


def check_grace(seconds: int | None) -> None:
    if seconds is not None and not 0 <= seconds <= _LONGEST_GRACE:
        raise InvalidParameter(f"healthCheckGracePeriodSeconds must be between 0 and {_LONGEST_GRACE}.")


def check_controller(controller: Mapping[str, Any] | None) -> None:
    kind = (controller or {}).get("type", "ECS")
    if kind != "ECS":
        raise UnsupportedFeature(f"The deployment controller {kind} is not supported; use ECS.")


def check_unhonoured(
    *, execute_command: bool | None, connect: Mapping[str, Any] | None, volumes: Sequence[Any] | None
) -> None:
    """Refuse what AWS would do for a service and Homeport does not."""
    if execute_command:
        raise UnsupportedFeature("enableExecuteCommand is not supported.")
    if connect is not None and connect["enabled"]:
        raise UnsupportedFeature("Service Connect is not supported.")
    if volumes:
        raise UnsupportedFeature("Volumes configured at launch are not supported.")


def check_lattice(configurations: Sequence[Any]) -> None:
    """Refuse VPC Lattice; Terraform sends an empty list where nothing is asked of it."""
    if configurations:
        raise UnsupportedFeature("VPC Lattice is not supported.")


def check_role(role: str | None, load_balancers: Sequence[Any]) -> None:
    """Refuse a role; services that have load balancers use the service-linked one."""
    if role is not None and not load_balancers:
        raise InvalidParameter("IAM roles are only valid for services configured to use load balancers")
    if role is not None:
        raise InvalidParameter("You cannot specify an IAM role for services that require a service linked role")


def parse_configuration(
    given: Mapping[str, Any] | None, current: DeploymentConfiguration, scheduling: str
) -> DeploymentConfiguration:
    """Return the deployment configuration that *given* makes of the *current* one, or refuse it."""
    with Fields(given or {}, "deploymentConfiguration") as fields:
        changed = msgspec.structs.replace(
            shifting.parse(fields, current),
            minimum_healthy_percent=fields.take("minimumHealthyPercent", int, current.minimum_healthy_percent),
            maximum_percent=fields.take("maximumPercent", int, current.maximum_percent),
            breaker=_breaker(fields.take("deploymentCircuitBreaker", dict, None), current.breaker),
        )
        _check_alarms(fields.take("alarms", dict, None))
    _check_percents(changed, scheduling)
    if scheduling == "DAEMON" and changed.strategy is not Strategy.ROLLING:
        raise InvalidParameter(  # unconfirmed
            f"The daemon scheduling strategy does not support the deployment strategy {changed.strategy.value}"
        )
    return changed


def _breaker(given: Mapping[str, Any] | None, current: Breaker) -> Breaker:
    if given is None:
        return current
    with Fields(given, "deploymentConfiguration.deploymentCircuitBreaker") as fields:
        threshold = fields.take("thresholdConfiguration", dict, None) or {}
        breaker = Breaker(
            enable=fields.take("enable", bool),
            rollback=fields.take("rollback", bool),
            reset_on_healthy_task=fields.take("resetOnHealthyTask", bool, True),
            threshold_configuration=Threshold(
                type=threshold.get("type", "BOUNDED_PERCENT"), value=threshold.get("value", 50)
            ),
        )
    if breaker.threshold_configuration.value < 1:
        raise InvalidParameter("The value of thresholdConfiguration must be at least 1.")
    return breaker


def _check_alarms(given: Mapping[str, Any] | None) -> None:
    if given is not None and (given["enable"] or given["alarmNames"]):
        raise UnsupportedFeature("Deployment alarms are not supported.")


def _check_percents(configuration: DeploymentConfiguration, scheduling: str) -> None:
    lower, upper = configuration.minimum_healthy_percent, configuration.maximum_percent
    if lower > 100:
        raise InvalidParameter("minimumHealthyPercent must be at most 100")
    if lower < 0:
        raise InvalidParameter("minimumHealthyPercent must be at least 0")
    if scheduling == "DAEMON" and upper > 100:
        raise InvalidParameter("The daemon scheduling strategy does not support values above 100 for maximumPercent")
    if upper < 100:
        raise InvalidParameter("maximumPercent must be at least 100")
    if lower >= upper:
        raise InvalidParameter(
            "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments."
        )
