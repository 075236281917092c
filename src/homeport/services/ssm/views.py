"""Parameters in AWS's shapes."""

from typing import Any

from homeport.aws.call import Call
from homeport.services.ssm.model import STANDARD, Parameter

View = dict[str, Any]


def parameter_arn(call: Call, name: str, *, public: bool = False) -> str:
    """Return the ARN of the parameter called *name*; a leading slash is the one that divides the ARN's parts."""
    resource = f"parameter/{name.removeprefix('/')}"
    return f"arn:aws:ssm:{call.region}::{resource}" if public else call.arn("ssm", resource)


def parameter_view(call: Call, parameter: Parameter, selector: str = "") -> View:
    """Return a parameter with its value; *selector* is what the request chose the version by."""
    view = {
        "Name": parameter.name,
        "Type": parameter.type,
        "Value": parameter.value,
        "Version": parameter.version,
        "LastModifiedDate": parameter.modified,
        "ARN": parameter_arn(call, parameter.name, public=parameter.public),
        "DataType": parameter.data_type,
    }
    return view | {"Selector": selector} if selector else view


def metadata_view(call: Call, parameter: Parameter) -> View:
    """Return a parameter without its value."""
    view = {
        "Name": parameter.name,
        "ARN": parameter_arn(call, parameter.name),
        "Type": parameter.type,
        "LastModifiedDate": parameter.modified,
        "LastModifiedUser": parameter.modified_by,
        "Version": parameter.version,
        "Tier": STANDARD,
        "DataType": parameter.data_type,
        "Policies": [],
    }
    return view | {"Description": parameter.description} if parameter.description else view


def version_view(parameter: Parameter) -> View:
    """Return one version of a parameter's history."""
    view = {
        "Name": parameter.name,
        "Type": parameter.type,
        "LastModifiedDate": parameter.modified,
        "LastModifiedUser": parameter.modified_by,
        "Value": parameter.value,
        "Version": parameter.version,
        "Labels": [],
        "Tier": STANDARD,
        "DataType": parameter.data_type,
        "Policies": [],
    }
    return view | {"Description": parameter.description} if parameter.description else view
