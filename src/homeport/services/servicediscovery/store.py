"""Namespaces, services, instances and operations in the store."""

import json
from collections.abc import Mapping, Sequence

import msgspec

from homeport.db.database import Row, Tx, Value
from homeport.services.servicediscovery.model import (
    DiscoverableService,
    Instance,
    InstanceDocument,
    Namespace,
    NamespaceDocument,
    Operation,
    ServiceDocument,
)

#: How long an operation can be asked for, in seconds.
OPERATIONS_KEPT = 7 * 24 * 3600.0

_NAMESPACE = "id, name, http_name, document, service_count, instance_count, tags"
_SERVICE = "id, namespace_id, name, document, instance_count, revision, attributes, tags"
_INSTANCE = "id, document, health"
_OPERATION = "id, created, type, namespace_id, service_id, instance_id, error_code, error_message"

_encode = msgspec.json.Encoder().encode
_namespace_document = msgspec.json.Decoder(NamespaceDocument).decode
_service_document = msgspec.json.Decoder(ServiceDocument).decode
_instance_document = msgspec.json.Decoder(InstanceDocument).decode


def _namespace(row: Row) -> Namespace:
    id_, name, http_name, document, services, instances, tags = row
    return Namespace(id_, name, http_name, _namespace_document(document), services, instances, json.loads(tags))


def _service(row: Row) -> DiscoverableService:
    id_, namespace, name, document, instances, revision, attributes, tags = row
    return DiscoverableService(
        id_, namespace, name, _service_document(document), instances, revision, json.loads(attributes), json.loads(tags)
    )


def _instance(row: Row) -> Instance:
    id_, document, health = row
    return Instance(id_, _instance_document(document), health)


# --- Namespaces


async def find_namespace(tx: Tx, region: str, namespace_id: str) -> Namespace | None:
    row = await tx.fetch_one(
        f"SELECT {_NAMESPACE} FROM servicediscovery_namespaces WHERE region = ? AND id = ?", region, namespace_id
    )
    return _namespace(row) if row else None


async def find_http_name(tx: Tx, region: str, http_name: str) -> Namespace | None:
    """Return the namespace that DiscoverInstances knows by that name."""
    row = await tx.fetch_one(
        f"SELECT {_NAMESPACE} FROM servicediscovery_namespaces WHERE region = ? AND http_name = ?", region, http_name
    )
    return _namespace(row) if row else None


async def namespaces_named(tx: Tx, region: str, name: str) -> list[Namespace]:
    rows = await tx.fetch(
        f"SELECT {_NAMESPACE} FROM servicediscovery_namespaces WHERE region = ? AND name = ? ORDER BY id", region, name
    )
    return [_namespace(row) for row in rows]


async def list_namespaces(tx: Tx, region: str) -> list[Namespace]:
    """Return a region's namespaces by id; there are at most MAX_NAMESPACES."""
    rows = await tx.fetch(f"SELECT {_NAMESPACE} FROM servicediscovery_namespaces WHERE region = ? ORDER BY id", region)
    return [_namespace(row) for row in rows]


async def add_namespace(tx: Tx, region: str, namespace: Namespace) -> None:
    await tx.execute(
        """INSERT INTO servicediscovery_namespaces
           (region, id, name, http_name, document, service_count, instance_count, tags)
           VALUES (?, ?, ?, ?, ?, 0, 0, ?)""",
        *(region, namespace.id, namespace.name, namespace.http_name),
        *(_encode(namespace.document).decode(), json.dumps(dict(namespace.tags))),
    )


async def set_namespace_document(tx: Tx, region: str, namespace_id: str, document: NamespaceDocument) -> None:
    await tx.execute(
        "UPDATE servicediscovery_namespaces SET document = ? WHERE region = ? AND id = ?",
        *(_encode(document).decode(), region, namespace_id),
    )


async def set_namespace_tags(tx: Tx, region: str, namespace_id: str, tags: Mapping[str, str]) -> None:
    await tx.execute(
        "UPDATE servicediscovery_namespaces SET tags = ? WHERE region = ? AND id = ?",
        *(json.dumps(dict(tags)), region, namespace_id),
    )


async def remove_namespace(tx: Tx, region: str, namespace_id: str) -> None:
    await tx.execute("DELETE FROM servicediscovery_namespaces WHERE region = ? AND id = ?", region, namespace_id)


# --- Services


async def find_service(tx: Tx, region: str, service_id: str) -> DiscoverableService | None:
    row = await tx.fetch_one(
        f"SELECT {_SERVICE} FROM servicediscovery_services WHERE region = ? AND id = ?", region, service_id
    )
    return _service(row) if row else None


async def find_service_named(tx: Tx, region: str, namespace_id: str, name: str) -> DiscoverableService | None:
    row = await tx.fetch_one(
        f"SELECT {_SERVICE} FROM servicediscovery_services WHERE region = ? AND namespace_id = ? AND name = ?",
        *(region, namespace_id, name),
    )
    return _service(row) if row else None


async def find_same_service(tx: Tx, region: str, wanted: DiscoverableService) -> DiscoverableService | None:
    """Return the service whose name stands in the way of the one that is *wanted*."""
    row = await tx.fetch_one(
        f"SELECT {_SERVICE} FROM servicediscovery_services WHERE region = ? AND namespace_id = ? AND unique_name = ?",
        *(region, wanted.namespace_id, wanted.unique_name),
    )
    return _service(row) if row else None


async def list_services(
    tx: Tx, region: str, *, namespace_id: str | None, condition: str, values: Sequence[Value], limit: int
) -> list[DiscoverableService]:
    """Return services by id, of one namespace or of all; *condition* is where a page starts."""
    within = "" if namespace_id is None else " AND namespace_id = ?"
    rows = await tx.fetch(
        f"SELECT {_SERVICE} FROM servicediscovery_services WHERE region = ?{within}{condition} ORDER BY id LIMIT ?",
        *(region, *(() if namespace_id is None else (namespace_id,)), *values, limit),
    )
    return [_service(row) for row in rows]


async def add_service(tx: Tx, region: str, service: DiscoverableService) -> None:
    await tx.execute(
        """INSERT INTO servicediscovery_services
           (region, id, namespace_id, name, unique_name, instance_count, revision, document, attributes, tags)
           VALUES (?, ?, ?, ?, ?, 0, ?, ?, '{}', ?)""",
        *(region, service.id, service.namespace_id, service.name, service.unique_name, service.revision),
        *(_encode(service.document).decode(), json.dumps(dict(service.tags))),
    )
    await _count_services(tx, region, service.namespace_id, 1)


async def set_service_document(tx: Tx, region: str, service: DiscoverableService) -> None:
    """Write the document of *service*, and the name by which no other may go."""
    await tx.execute(
        "UPDATE servicediscovery_services SET document = ?, unique_name = ? WHERE region = ? AND id = ?",
        *(_encode(service.document).decode(), service.unique_name, region, service.id),
    )


async def set_service_attributes(tx: Tx, region: str, service_id: str, attributes: Mapping[str, str]) -> None:
    await tx.execute(
        "UPDATE servicediscovery_services SET attributes = ? WHERE region = ? AND id = ?",
        *(json.dumps(dict(attributes)), region, service_id),
    )


async def set_service_tags(tx: Tx, region: str, service_id: str, tags: Mapping[str, str]) -> None:
    await tx.execute(
        "UPDATE servicediscovery_services SET tags = ? WHERE region = ? AND id = ?",
        *(json.dumps(dict(tags)), region, service_id),
    )


async def remove_service(tx: Tx, region: str, service: DiscoverableService) -> None:
    await tx.execute("DELETE FROM servicediscovery_services WHERE region = ? AND id = ?", region, service.id)
    await _count_services(tx, region, service.namespace_id, -1)


async def _count_services(tx: Tx, region: str, namespace_id: str, more: int) -> None:
    await tx.execute(
        "UPDATE servicediscovery_namespaces SET service_count = service_count + ? WHERE region = ? AND id = ?",
        *(more, region, namespace_id),
    )


# --- Instances


async def find_instance(tx: Tx, region: str, service_id: str, instance_id: str) -> Instance | None:
    row = await tx.fetch_one(
        f"SELECT {_INSTANCE} FROM servicediscovery_instances WHERE region = ? AND service_id = ? AND id = ?",
        *(region, service_id, instance_id),
    )
    return _instance(row) if row else None


async def instances_of(tx: Tx, region: str, service_id: str) -> list[Instance]:
    """Return all instances of a service by id; there are at most MAX_INSTANCES_OF_SERVICE."""
    rows = await tx.fetch(
        f"SELECT {_INSTANCE} FROM servicediscovery_instances WHERE region = ? AND service_id = ? ORDER BY id",
        *(region, service_id),
    )
    return [_instance(row) for row in rows]


async def page_of_instances(
    tx: Tx, region: str, service_id: str, *, condition: str, values: Sequence[Value], limit: int
) -> list[Instance]:
    """Return a service's instances by id; *condition* is where a page starts."""
    rows = await tx.fetch(
        f"SELECT {_INSTANCE} FROM servicediscovery_instances WHERE region = ? AND service_id = ?{condition} "
        "ORDER BY id LIMIT ?",
        *(region, service_id, *values, limit),
    )
    return [_instance(row) for row in rows]


async def put_instance(tx: Tx, region: str, service_id: str, instance: Instance) -> None:
    """Write *instance*, in the place of one that has its id."""
    await tx.execute(
        """INSERT INTO servicediscovery_instances (region, service_id, id, health, document) VALUES (?, ?, ?, ?, ?)
           ON CONFLICT (region, service_id, id) DO UPDATE SET health = excluded.health, document = excluded.document""",
        *(region, service_id, instance.id, instance.health, _encode(instance.document).decode()),
    )


async def remove_instance(tx: Tx, region: str, service_id: str, instance_id: str) -> None:
    await tx.execute(
        "DELETE FROM servicediscovery_instances WHERE region = ? AND service_id = ? AND id = ?",
        *(region, service_id, instance_id),
    )


async def set_health(tx: Tx, region: str, service_id: str, instance_id: str, health: str) -> None:
    await tx.execute(
        "UPDATE servicediscovery_instances SET health = ? WHERE region = ? AND service_id = ? AND id = ?",
        *(health, region, service_id, instance_id),
    )


async def count_instances(tx: Tx, region: str, service: DiscoverableService, more: int, now: float) -> None:
    """Count *more* instances of a service, and give it the next revision, which no service of its name had before."""
    await tx.execute(
        """UPDATE servicediscovery_services SET instance_count = instance_count + ?,
               revision = CASE WHEN revision < ? THEN ? ELSE revision + 1 END
           WHERE region = ? AND id = ?""",
        *(more, revision_at(now), revision_at(now), region, service.id),
    )
    if more:
        await tx.execute(
            "UPDATE servicediscovery_namespaces SET instance_count = instance_count + ? WHERE region = ? AND id = ?",
            *(more, region, service.namespace_id),
        )


def revision_at(now: float) -> int:
    """Return the revision that a change at *now* has at least: a service made anew never goes back behind the old one."""
    return int(now * 1000)


# --- Operations


async def add_operation(tx: Tx, region: str, operation: Operation) -> None:
    """Record an operation, and forget those that are older than OPERATIONS_KEPT."""
    await tx.execute(
        "DELETE FROM servicediscovery_operations WHERE region = ? AND created < ?",
        *(region, operation.created - OPERATIONS_KEPT),
    )
    await tx.execute(
        f"INSERT INTO servicediscovery_operations (region, {_OPERATION}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        *(region, *operation),
    )


async def find_operation(tx: Tx, region: str, operation_id: str) -> Operation | None:
    row = await tx.fetch_one(
        f"SELECT {_OPERATION} FROM servicediscovery_operations WHERE region = ? AND id = ?", region, operation_id
    )
    return Operation(*row) if row else None


async def list_operations(
    tx: Tx, region: str, *, condition: str, values: Sequence[Value], limit: int
) -> list[Operation]:
    """Return operations, oldest first; *condition* is what they must be and where a page starts."""
    rows = await tx.fetch(
        f"SELECT {_OPERATION} FROM servicediscovery_operations WHERE region = ?{condition} "
        "ORDER BY created, id LIMIT ?",
        *(region, *values, limit),
    )
    return [Operation(*row) for row in rows]
