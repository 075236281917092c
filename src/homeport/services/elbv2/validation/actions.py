"""What rules do: actions as AWS takes them, completed by its defaults."""

from collections.abc import Mapping, Sequence
from typing import Any

from homeport.aws.fields import Fields
from homeport.services.elbv2.errors import InvalidConfigurationRequest, ValidationError
from homeport.services.elbv2.lookup import is_target_group_arn
from homeport.services.elbv2.model.load_balancers import MAX_GROUPS_PER_ACTION

Action = dict[str, Any]

_CONTENT_TYPES = ("text/plain", "text/css", "text/html", "application/javascript", "application/json")
_MOST_STICKY = 604800
_HEAVIEST = 999


def parse_actions(given: Sequence[Mapping[str, Any]], path: str) -> tuple[Action, ...]:
    """Return the actions of a request, the member *path*, as AWS would show them; or refuse them."""
    if len(given) != 1:
        raise ValidationError(  # the others that AWS has, which may come before it, authenticate
            "You must specify exactly one of these actions: forward, redirect, fixed-response"
        )
    with Fields(given[0], f"{path}[0]") as fields:
        kind = fields.take("Type", str)
        order = fields.take("Order", int, None)
        match kind:
            case "forward":
                action = _forward(fields)
            case "redirect":
                action = _redirect(fields)
            case "fixed-response":
                action = _fixed_response(fields)
            case _:
                raise InvalidConfigurationRequest(f"Homeport does not support actions of type {kind}.")
    return ({"Type": kind, **action, **({} if order is None else {"Order": order})},)


def _forward(fields: Fields) -> Action:
    arn = fields.take("TargetGroupArn", str, "")
    config = fields.take_fields("ForwardConfig")
    if config is None:
        if not arn:
            raise ValidationError("A target group ARN must be specified")
        return _forward_view([{"TargetGroupArn": _checked(arn), "Weight": 1}], {"Enabled": False})
    groups = [_weighted(group) for group in config.take_each("TargetGroups")]
    sticky = _stickiness(config.take_fields("TargetGroupStickinessConfig"))
    config.close()
    if not groups:
        raise ValidationError("A target group ARN must be specified")
    if len(groups) > MAX_GROUPS_PER_ACTION:
        raise ValidationError(f"A forward action can have at most {MAX_GROUPS_PER_ACTION} target groups")  # unconfirmed
    names = [group["TargetGroupArn"] for group in groups]
    if len(set(names)) < len(names):
        raise ValidationError("A target group can be specified only once in a forward action")  # unconfirmed
    if arn and names != [arn]:
        raise ValidationError(  # unconfirmed
            "You cannot specify both TargetGroupArn and a ForwardConfig that has other target groups"
        )
    return _forward_view(groups, sticky)


def _forward_view(groups: list[dict[str, Any]], sticky: dict[str, Any]) -> Action:
    config = {"TargetGroups": groups, "TargetGroupStickinessConfig": sticky}
    alone = {"TargetGroupArn": groups[0]["TargetGroupArn"]} if len(groups) == 1 else {}
    return {**alone, "ForwardConfig": config}


def _weighted(fields: Fields) -> dict[str, Any]:
    weight = fields.take("Weight", int, 1)
    if not 0 <= weight <= _HEAVIEST:
        raise ValidationError(f"Weight '{weight}' must be between 0 and {_HEAVIEST} inclusive")
    return {"TargetGroupArn": _checked(fields.take("TargetGroupArn", str, "")), "Weight": weight}


def _checked(arn: str) -> str:
    if not is_target_group_arn(arn):
        raise ValidationError(f"'{arn}' is not a valid target group ARN")
    return arn


def _stickiness(fields: Fields | None) -> dict[str, Any]:
    if fields is None:
        return {"Enabled": False}
    with fields:
        enabled = fields.take("Enabled", bool, default=False)
        seconds = fields.take("DurationSeconds", int, None)
    if enabled and seconds is None:
        raise ValidationError("A duration must be specified for target group stickiness")  # unconfirmed
    if seconds is not None and not 1 <= seconds <= _MOST_STICKY:
        raise ValidationError(
            f"Target group stickiness duration must be between 1 and {_MOST_STICKY} seconds inclusive"
        )
    return {"Enabled": enabled, **({} if seconds is None else {"DurationSeconds": seconds})}


def _redirect(fields: Fields) -> Action:
    config = fields.take_fields("RedirectConfig")
    if config is None:
        raise ValidationError("A redirect configuration must be specified")
    with config:
        redirect = {
            "Protocol": config.take("Protocol", str, "#{protocol}"),
            "Port": config.take("Port", str, "#{port}"),
            "Host": config.take("Host", str, "#{host}"),
            "Path": config.take("Path", str, "/#{path}"),
            "Query": config.take("Query", str, "#{query}"),
            "StatusCode": config.take("StatusCode", str),
        }
    if redirect["Port"] != "#{port}" and not _is_port(redirect["Port"]):
        raise ValidationError(f"Port '{redirect['Port']}' must be '#{{port}}' or between 1 and 65535")  # unconfirmed
    if not redirect["Path"].startswith("/"):
        raise ValidationError("The redirect path must begin with '/'")  # unconfirmed
    same = {"Protocol": "#{protocol}", "Port": "#{port}", "Host": "#{host}", "Path": "/#{path}"}
    if all(redirect[name] == value for name, value in same.items()):
        raise InvalidConfigurationRequest(
            "At least one of the following must be modified to avoid a redirect loop: protocol, port, host, or path"
        )
    _check_text(redirect)
    return {"RedirectConfig": redirect}


def _check_text(redirect: Mapping[str, str]) -> None:
    for name, value in redirect.items():
        if not value.isascii() or any(ord(character) <= ord(" ") or ord(character) == 127 for character in value):
            raise ValidationError(
                f"The redirect {name.lower()} '{value}' has characters that are not valid"
            )  # unconfirmed


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and 1 <= int(text) <= 65535


def _fixed_response(fields: Fields) -> Action:
    config = fields.take_fields("FixedResponseConfig")
    if config is None:
        raise ValidationError("A fixed response configuration must be specified")
    with config:
        status = config.take("StatusCode", str)
        body = config.take("MessageBody", str, None)
        content_type = config.take("ContentType", str, "") or "text/plain"
    if content_type not in _CONTENT_TYPES:
        raise ValidationError(f"Content type '{content_type}' must be one of '{', '.join(_CONTENT_TYPES)}'")
    response = {"StatusCode": status, "ContentType": content_type}
    return {"FixedResponseConfig": response | ({} if body is None else {"MessageBody": body})}
