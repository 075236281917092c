"""The ParameterFilters of a request as conditions on parameters.  Pure."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from homeport.aws.fields import Fields
from homeport.services.ssm import errors
from homeport.services.ssm.model import SECURE_STRING, STANDARD, STRING, STRING_LIST, Parameter
from homeport.services.ssm.validation import check_path

Condition = Callable[[Parameter], bool]

BY_PATH = ("Type",)
DESCRIBING = ("Path", "Name", "Type", "Tier", "DataType")

_VALUES = {
    "Type": (STRING, STRING_LIST, SECURE_STRING),
    "Tier": (STANDARD, "Advanced", "Intelligent-Tiering"),
}
_READERS: Mapping[str, Callable[[Parameter], str]] = {
    "Name": lambda parameter: parameter.name,
    "Type": lambda parameter: parameter.type,
    "Tier": lambda _: STANDARD,
    "DataType": lambda parameter: parameter.data_type,
}
_TESTS: Mapping[str, Callable[[str, str], bool]] = {
    "BeginsWith": str.startswith,
    "Equals": str.__eq__,
    "Contains": str.__contains__,
}


def parse_filters(given: Sequence[Mapping[str, Any]], valid: Sequence[str]) -> Condition:
    """Return what a parameter must be to pass all filters *given*, whose keys must be *valid* ones."""
    conditions: dict[str, Condition] = {}
    for number, document in enumerate(given):
        with Fields(document, f"ParameterFilters[{number}]") as fields:
            key = fields.take("Key", str)
            option = fields.take("Option", str, "")
            values: list[str] = fields.take("Values", list, [])
        if key not in valid:
            raise errors.bad_filter_key(key, valid)
        if key in conditions:
            raise errors.repeated_filter(key)
        if not values:
            raise errors.missing_filter_values(key)
        conditions[key] = _path_filter(option, values) if key == "Path" else _filter(key, option, values)
    return lambda parameter: all(condition(parameter) for condition in conditions.values())


def _filter(key: str, option: str, values: Sequence[str]) -> Condition:
    options = ("BeginsWith", "Contains", "Equals") if key == "Name" else ("BeginsWith", "Equals")
    if option and option not in options:
        raise errors.bad_filter_option(option, options)
    for value in values:
        if key in _VALUES and option != "BeginsWith" and value not in _VALUES[key]:
            raise errors.bad_filter_value(value, _VALUES[key])
    read, test = _READERS[key], _TESTS[option or "Equals"]
    return lambda parameter: any(test(read(parameter), value) for value in values)


def _path_filter(option: str, paths: Sequence[str]) -> Condition:
    options = ("Recursive", "OneLevel")
    if option and option not in options:
        raise errors.bad_filter_option(option, options)
    for path in paths:
        check_path(path)
        if path.lower().startswith(("/aws", "/ssm")):
            raise errors.Validation(
                'Filters for common parameters can\'t be prefixed with "aws" or "ssm" (case-insensitive). '
                "When using global parameters, please specify within a global namespace."
            )
    return lambda parameter: any(is_under(parameter.name, path, recursive=option == "Recursive") for path in paths)


def is_under(name: str, path: str, *, recursive: bool) -> bool:
    """Say whether the parameter called *name* is in the hierarchy below *path*, or with *recursive* deeper."""
    # A name without a slash is at the top, as if it had one.
    whole, folder = f"/{name.removeprefix('/')}", f"{path.rstrip('/')}/"
    return whole.startswith(folder) and (recursive or "/" not in whole[len(folder) :])
