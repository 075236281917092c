"""Cloud Map as boto3 sees it."""

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def cloudmap(api: Any) -> Any:
    return api.client("servicediscovery")


@pytest.fixture
def done(cloudmap: Any) -> Callable[[Any], dict[str, Any]]:
    """Return the targets of an operation, which must have succeeded."""

    def targets(answer: Any) -> dict[str, Any]:
        operation = cloudmap.get_operation(OperationId=answer["OperationId"])["Operation"]
        assert operation["Status"] == "SUCCESS", operation
        return operation["Targets"]

    return targets


@pytest.fixture
def namespace(cloudmap: Any, done: Any) -> Callable[..., str]:
    """Make an HTTP namespace and return its id."""

    def make(name: str = "shop", **others: Any) -> str:
        return done(cloudmap.create_http_namespace(Name=name, **others))["NAMESPACE"]

    return make


@pytest.fixture
def service(cloudmap: Any, namespace: Any) -> Callable[..., str]:
    """Make a service, in a namespace of its own unless told otherwise, and return its id."""

    def make(name: str = "web", **others: Any) -> str:
        arguments = {"Name": name, **others}
        arguments.setdefault("NamespaceId", "")
        arguments["NamespaceId"] = arguments["NamespaceId"] or namespace()
        return cloudmap.create_service(**arguments)["Service"]["Id"]

    return make


@pytest.fixture
def register(cloudmap: Any) -> Callable[..., Any]:
    """Register an instance: `register(service, "one", version="2")`."""

    def call(service: str, instance: str, **attributes: str) -> Any:
        return cloudmap.register_instance(ServiceId=service, InstanceId=instance, Attributes=attributes)

    return call
