"""Account settings: their names, values and defaults, and whose choice counts."""

from collections.abc import Mapping
from dataclasses import dataclass

from homeport.aws.call import Call
from homeport.services.ecs.errors import InvalidParameter, UnsupportedFeature
from homeport.services.ecs.store import account_settings as store


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: what it is without anybody's choice, and what may be chosen here and on AWS."""

    default: str
    offered: tuple[str, ...]
    refused: tuple[str, ...] = ()
    kind: str = "user"


_SWITCH = ("enabled", "disabled")

SETTINGS: Mapping[str, Setting] = {
    "awsvpcTrunking": Setting("disabled", _SWITCH),
    "containerInsights": Setting("disabled", ("enabled", "enhanced", "disabled")),
    "containerInstanceLongArnFormat": Setting("enabled", ("enabled",), ("disabled",)),
    "defaultLogDriverMode": Setting("non-blocking", ("blocking", "non-blocking")),
    "fargateEventWindows": Setting("disabled", ("disabled",), ("enabled",)),
    "fargateFIPSMode": Setting("disabled", ("disabled",), ("enabled",)),
    "fargateTaskRetirementWaitPeriod": Setting("7", ("0", "7", "14")),
    "guardDutyActivate": Setting("off", ("off",), ("on",), kind="aws_managed"),
    "serviceLongArnFormat": Setting("enabled", ("enabled",), ("disabled",)),
    "tagResourceAuthorization": Setting("on", ("on", "off")),
    "taskLongArnFormat": Setting("enabled", ("enabled",), ("disabled",)),
}


def check_value(name: str, value: str) -> None:
    """Refuse a value that AWS does not know, or one that would not take effect here."""
    setting = SETTINGS[name]
    if setting.kind == "aws_managed":
        raise InvalidParameter(f"The account setting {name} is managed by AWS and cannot be changed.")
    if value in setting.refused:
        raise UnsupportedFeature(f"The account setting {name} cannot be {value} here.")
    if value not in setting.offered:
        raise InvalidParameter(f"Invalid value '{value}' for the account setting {name}.")


def root_of(call: Call) -> str:
    """Return the principal whose choice is everybody's default."""
    return root_arn(call.account)


def root_arn(account: str) -> str:
    return f"arn:aws:iam::{account}:root"


async def effective(call: Call, principal: str) -> dict[str, str]:
    """Return every setting as it counts for *principal*: its own choice, the account's, AWS's default."""
    chosen = {name: setting.default for name, setting in SETTINGS.items()}
    chosen |= await store.of_principal(call.tx, call.region, root_of(call))
    return chosen | await store.of_principal(call.tx, call.region, principal)
