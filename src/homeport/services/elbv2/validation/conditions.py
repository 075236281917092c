"""Which requests a rule is for: conditions as AWS takes them, in the shape it shows."""

import re
from collections.abc import Callable, Mapping, Sequence
from ipaddress import AddressValueError, IPv4Network, IPv6Network, NetmaskValueError
from typing import Any

from homeport.aws.fields import Fields
from homeport.services.elbv2.errors import InvalidConfigurationRequest, ValidationError

Condition = dict[str, Any]

_MOST_VALUES = 5
_LONGEST = 128
_HOST = re.compile(r"[A-Za-z0-9.*?-]+", re.ASCII)
_PATH = re.compile(r"[A-Za-z0-9_.$/~\"'@:+&*?=%,;!#()\[\]-]+", re.ASCII)
_METHOD = re.compile(r"[A-Z_-]{1,40}", re.ASCII)
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,40}", re.ASCII)
_PRINTABLE = re.compile(r"[\x21-\x7e]+(?: [\x21-\x7e]+)*", re.ASCII)

#: Of these a rule can have one.
_ONCE = ("host-header", "path-pattern", "http-request-method", "source-ip")


def parse_conditions(given: Sequence[Mapping[str, Any]]) -> tuple[Condition, ...]:
    """Return the conditions of a request as AWS would show them, or refuse them."""
    if not given:
        raise ValidationError("A condition must be specified")
    conditions = []
    for position, condition in enumerate(given):
        with Fields(condition, f"conditions[{position}]") as fields:
            conditions.append(_condition(fields))
    fields_of = [condition["Field"] for condition in conditions]
    for name in _ONCE:
        if fields_of.count(name) > 1:
            raise ValidationError(f"A rule can only have one '{name}' condition")
    if sum(_count(condition) for condition in conditions) > _MOST_VALUES:
        raise ValidationError(f"A rule can only have '{_MOST_VALUES}' condition values")
    return tuple(conditions)


def _count(condition: Condition) -> int:
    config = next(value for name, value in condition.items() if name.endswith("Config"))
    return len(config["Values"])


def _condition(fields: Fields) -> Condition:
    name = fields.take("Field", str, "")
    parsers: Mapping[str, Callable[[Fields], Condition]] = {
        "host-header": lambda f: _patterns(f, "HostHeaderConfig", _HOST, "host header"),
        "path-pattern": lambda f: _patterns(f, "PathPatternConfig", _PATH, "path pattern"),
        "http-header": _http_header,
        "query-string": _query_string,
        "http-request-method": _method,
        "source-ip": _source_ip,
    }
    if name not in parsers:
        raise ValidationError(f"Condition field '{name}' must be one of '[{', '.join(parsers)}]'")
    return {"Field": name, **parsers[name](fields)}


def _config(fields: Fields, name: str) -> Fields:
    config = fields.take_fields(name)
    if config is None:
        raise ValidationError(f"A condition value must be specified: {name}")  # unconfirmed
    return config


def _values(config: Fields, noun: str) -> list[str]:
    values: list[str] = config.take("Values", list, [])
    if not values:
        raise ValidationError("A condition value must be specified")
    for value in values:
        if not 0 < len(value) <= _LONGEST:
            raise ValidationError(f"A {noun} value must have between 1 and {_LONGEST} characters: '{value}'")
    return values


def _checked(values: list[str], noun: str, form: re.Pattern[str]) -> list[str]:
    for value in values:
        if not form.fullmatch(value):
            raise ValidationError(f"The {noun} value '{value}' contains characters that are not valid")  # unconfirmed
    return values


def _patterns(fields: Fields, config_name: str, form: re.Pattern[str], noun: str) -> Condition:
    plain: list[str] = fields.take("Values", list, [])
    config = fields.take_fields(config_name)
    if config is None:
        if not plain:
            fields.close()  # regular expressions, which are not honoured, would have stood here
            raise ValidationError("A condition value must be specified")
        config = Fields({"Values": plain}, config_name)
    elif plain:
        raise ValidationError(f"You cannot specify both Values and {config_name}")  # unconfirmed
    with config:
        values = _checked(_values(config, noun), noun, form)
    return {"Values": values, config_name: {"Values": values}}


def _http_header(fields: Fields) -> Condition:
    with _config(fields, "HttpHeaderConfig") as config:
        name = config.take("HttpHeaderName", str, "")
        values = _checked(_values(config, "HTTP header"), "HTTP header", _PRINTABLE)
    if not _HEADER.fullmatch(name):
        raise ValidationError(f"The HTTP header name '{name}' is not valid")  # unconfirmed
    if name.lower() == "host":
        raise ValidationError("You cannot specify the HTTP header name 'Host': use a host-header condition")
    return {"HttpHeaderConfig": {"HttpHeaderName": name, "Values": values}}


def _query_string(fields: Fields) -> Condition:
    pairs = []
    with _config(fields, "QueryStringConfig") as config:
        for item in config.take_each("Values"):
            key, value = item.take("Key", str, ""), item.take("Value", str, "")
            for text in (key, value):
                if len(text) > _LONGEST or (text and not _PRINTABLE.fullmatch(text)):
                    raise ValidationError(f"The query string value '{text}' is not valid")  # unconfirmed
            if not value:
                raise ValidationError("A query string value must be specified")  # unconfirmed
            pairs.append({"Key": key, "Value": value} if key else {"Value": value})
    if not pairs:
        raise ValidationError("A condition value must be specified")
    return {"QueryStringConfig": {"Values": pairs}}


def _method(fields: Fields) -> Condition:
    with _config(fields, "HttpRequestMethodConfig") as config:
        values = _checked(_values(config, "HTTP request method"), "HTTP request method", _METHOD)
    return {"HttpRequestMethodConfig": {"Values": values}}


def _source_ip(fields: Fields) -> Condition:
    with _config(fields, "SourceIpConfig") as config:
        values = _values(config, "source IP")
    for value in values:
        try:
            IPv4Network(value)
        except (AddressValueError, NetmaskValueError, ValueError):
            raise _bad_block(value) from None
        if "/" not in value:
            raise _bad_block(value)
    return {"SourceIpConfig": {"Values": values}}


def _bad_block(value: str) -> ValidationError | InvalidConfigurationRequest:
    try:
        IPv6Network(value)
    except ValueError:
        return ValidationError(f"The source IP value '{value}' is not a valid CIDR block")  # unconfirmed
    return InvalidConfigurationRequest(f"Homeport has no IPv6: no request comes from '{value}'.")
