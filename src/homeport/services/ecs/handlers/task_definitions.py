"""Task definitions: registered once, never changed, retired and deleted."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from homeport.aws.call import Call
from homeport.aws.paging import cut_page
from homeport.aws.tags import tags_view
from homeport.services.ecs import definitions
from homeport.services.ecs.errors import Client, InvalidParameter
from homeport.services.ecs.lookup import get_definition, place_of
from homeport.services.ecs.model.task_definitions import ACTIVE, DELETING, INACTIVE, TaskDefinition
from homeport.services.ecs.paging import after, page_size
from homeport.services.ecs.service import ecs
from homeport.services.ecs.store import task_definitions as store
from homeport.services.ecs.tags import parse_tags
from homeport.services.ecs.views import definition_view, failure_view

_encode = msgspec.json.Encoder().encode
_MOST_DELETED = 10


@ecs.operation("RegisterTaskDefinition")
async def register_task_definition(
    call: Call,
    *,
    family: str,
    container_definitions: Sequence[Mapping[str, Any]],
    task_role_arn: str | None = None,
    execution_role_arn: str | None = None,
    network_mode: str | None = None,
    volumes: Sequence[Mapping[str, Any]] | None = None,
    placement_constraints: Sequence[Mapping[str, Any]] | None = None,
    requires_compatibilities: Sequence[str] | None = None,
    cpu: str | None = None,
    memory: str | None = None,
    tags: Sequence[Mapping[str, str]] = (),
    pid_mode: str | None = None,
    ipc_mode: str | None = None,
    proxy_configuration: Mapping[str, Any] | None = None,
    inference_accelerators: Sequence[Mapping[str, Any]] | None = None,
    ephemeral_storage: Mapping[str, Any] | None = None,
    runtime_platform: Mapping[str, Any] | None = None,
    enable_fault_injection: bool | None = None,
    trusted_execution_configuration: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    given = {
        "family": family,
        "containerDefinitions": container_definitions,
        "taskRoleArn": task_role_arn,
        "executionRoleArn": execution_role_arn,
        "networkMode": network_mode,
        "volumes": volumes,
        "placementConstraints": placement_constraints,
        "requiresCompatibilities": requires_compatibilities,
        "cpu": cpu,
        "memory": memory,
        "pidMode": pid_mode,
        "ipcMode": ipc_mode,
        "proxyConfiguration": proxy_configuration,
        "inferenceAccelerators": inference_accelerators,
        "ephemeralStorage": ephemeral_storage,
        "runtimePlatform": runtime_platform,
        "enableFaultInjection": enable_fault_injection,
        "trustedExecutionConfiguration": trusted_execution_configuration,
    }
    definition = definitions.complete({member: value for member, value in given.items() if value is not None})
    labels = parse_tags(tags)
    revision = await store.next_revision(call.tx, call.region, family)
    definition |= {
        "taskDefinitionArn": call.arn("ecs", f"task-definition/{family}:{revision}"),
        "revision": revision,
        "status": ACTIVE,
        "registeredAt": call.now(),
        "registeredBy": call.principal.arn,
    }
    document = _encode(definition).decode()
    await store.insert(call.tx, TaskDefinition(call.region, family, revision, ACTIVE, document, labels))
    shown: dict[str, Any] = {"taskDefinition": definition_view(document)}
    return shown | {"tags": tags_view(labels)} if labels else shown


@ecs.operation("DescribeTaskDefinition", reads=True)
async def describe_task_definition(call: Call, *, task_definition: str, include: Sequence[str] = ()) -> dict[str, Any]:
    found = await get_definition(call, task_definition)
    shown: dict[str, Any] = {"taskDefinition": definition_view(found.document)}
    return shown | {"tags": tags_view(found.tags)} if "TAGS" in include else shown


@ecs.operation("ListTaskDefinitions", reads=True)
async def list_task_definitions(
    call: Call,
    *,
    family_prefix: str | None = None,
    status: str = ACTIVE,
    sort: str = "ASC",
    next_token: str | None = None,
    max_results: int | None = None,
) -> dict[str, Any]:
    size = page_size(max_results)
    rows = await store.page(
        call.tx,
        call.region,
        status,
        family=family_prefix,  # despite its name AWS compares it with the whole family
        after=after(next_token, str, int),
        descending=sort == "DESC",
        limit=size + 1,
    )
    page = cut_page(rows, size, key=lambda row: row)
    arns = [call.arn("ecs", f"task-definition/{family}:{revision}") for family, revision in page.items]
    return page.with_token({"taskDefinitionArns": arns})


@ecs.operation("ListTaskDefinitionFamilies", reads=True)
async def list_task_definition_families(
    call: Call,
    *,
    family_prefix: str = "",
    status: str = "ALL",
    next_token: str | None = None,
    max_results: int | None = None,
) -> dict[str, Any]:
    size = page_size(max_results)
    rows = await store.families(
        call.tx,
        call.region,
        status,
        prefix=family_prefix,
        after=(after(next_token, str) or ("",))[0],
        limit=size + 1,
    )
    page = cut_page(rows, size, key=lambda family: (family,))
    return page.with_token({"families": page.items})


@ecs.operation("DeregisterTaskDefinition")
async def deregister_task_definition(call: Call, *, task_definition: str) -> dict[str, Any]:
    family, revision = place_of(call).definition(task_definition)
    if revision is None:
        raise Client(f"Revision is missing. Family: {family}")
    found = await store.find(call.tx, call.region, family, revision)
    if found is None:
        raise Client("The specified task definition does not exist.")
    if found.status != ACTIVE:
        raise InvalidParameter(
            "The specified task definition is inactive. You can only deregister active task definitions."
        )
    return {"taskDefinition": definition_view(await _moved(call, found, INACTIVE, deregisteredAt=call.now()))}


@ecs.operation("DeleteTaskDefinitions")
async def delete_task_definitions(call: Call, *, task_definitions: Sequence[str]) -> dict[str, Any]:
    if not task_definitions:
        raise InvalidParameter("TaskDefinitions cannot be empty.")
    if len(task_definitions) > _MOST_DELETED:
        raise InvalidParameter(f"At most {_MOST_DELETED} task definitions can be deleted at once.")
    deleted: list[msgspec.Raw] = []
    failures: list[dict[str, str]] = []
    for given in task_definitions:
        family, revision = place_of(call).definition(given)
        if revision is None:
            raise Client(f"Revision is missing. Family: {family}")
        found = await store.find(call.tx, call.region, family, revision)
        if found is None:
            arn = call.arn("ecs", f"task-definition/{family}:{revision}")
            failures.append(failure_view(arn, "The specified task definition does not exist."))
        elif found.status == ACTIVE:
            arn = call.arn("ecs", f"task-definition/{family}:{revision}")
            failures.append(
                failure_view(
                    arn,
                    "The specified task definition is still in ACTIVE status. Please deregister the target and try again.",
                )
            )
        else:
            deleted.append(definition_view(await _delete(call, found)))
    return {"taskDefinitions": deleted, "failures": failures}


async def _delete(call: Call, definition: TaskDefinition) -> str:
    if definition.status == DELETING:
        return definition.document
    return await _moved(call, definition, DELETING, deleteRequestedAt=call.now())


async def _moved(call: Call, definition: TaskDefinition, status: str, **times: float) -> str:
    """Give the definition another status, with the time of that, and return its new document."""
    document = _encode(definition.parsed() | {"status": status} | times).decode()
    return (await store.move(call.tx, definition, status, document)).document
