"""The deployment strategies that shift traffic, and what they take (reference, 4.6)."""

import msgspec

from homeport.aws.fields import Fields
from homeport.services.ecs.deployments.model import Strategy
from homeport.services.ecs.errors import InvalidParameter, UnsupportedFeature
from homeport.services.ecs.model.services import DeploymentConfiguration

_LONGEST = 1440  # minutes
_PLAIN = DeploymentConfiguration()
#: Of each strategy that moves traffic in steps: its member, those of the step and its bake time, defaults and least step.
_STEPS = {
    Strategy.LINEAR: ("linearConfiguration", "stepPercent", "stepBakeTimeInMinutes", 10.0, 6, 3.0),
    Strategy.CANARY: ("canaryConfiguration", "canaryPercent", "canaryBakeTimeInMinutes", 5.0, 10, 0.1),
}


def parse(fields: Fields, current: DeploymentConfiguration) -> DeploymentConfiguration:
    """Return the *current* configuration with the strategy that a request asks for, or refuse it."""
    if fields.take("lifecycleHooks", list, []):
        raise UnsupportedFeature("Deployment lifecycle hooks are not supported.")
    strategy = Strategy(fields.take("strategy", str, current.strategy.value))
    bake = fields.take("bakeTimeInMinutes", int, None)
    if strategy is Strategy.BLUE_GREEN and bake is None and current.strategy is not strategy:
        raise InvalidParameter("bakeTimeInMinutes is required for the deployment strategy BLUE_GREEN.")  # unconfirmed
    kept = current if strategy is current.strategy else _PLAIN
    changed = msgspec.structs.replace(
        current,
        strategy=strategy,
        bake_minutes=kept.bake_minutes if bake is None else bake,
        step_percent=kept.step_percent,
        step_bake_minutes=kept.step_bake_minutes,
    )
    if strategy is Strategy.ROLLING and changed.bake_minutes:
        raise UnsupportedFeature("bakeTimeInMinutes is not supported with the deployment strategy ROLLING.")
    if not 0 <= changed.bake_minutes <= _LONGEST:
        raise InvalidParameter(f"bakeTimeInMinutes must be between 0 and {_LONGEST}.")
    return _with_steps(fields, changed, fresh=strategy is not current.strategy)


def _with_steps(fields: Fields, changed: DeploymentConfiguration, *, fresh: bool) -> DeploymentConfiguration:
    for strategy, (member, percent, minutes, share, rest, least) in _STEPS.items():
        given = fields.take_fields(member)
        if changed.strategy is not strategy:
            if given is not None:
                raise InvalidParameter(f"{member} needs the deployment strategy {strategy.value}.")  # unconfirmed
            continue
        with given or Fields({}, member) as step:
            changed = msgspec.structs.replace(
                changed,
                step_percent=step.take(percent, float, share if fresh else changed.step_percent),
                step_bake_minutes=step.take(minutes, int, rest if fresh else changed.step_bake_minutes),
            )
        if not least <= changed.step_percent <= 100:
            raise InvalidParameter(f"{percent} must be between {least} and 100.0.")
        if round(changed.step_percent, 1) != changed.step_percent:
            raise InvalidParameter(f"{percent} must be a multiple of 0.1.")
        if not 0 <= changed.step_bake_minutes <= _LONGEST:
            raise InvalidParameter(f"{minutes} must be between 0 and {_LONGEST}.")
    return changed
