"""Whatever a request of the right form says: it is done, or refused in words, and is never an internal failure."""

import random
from typing import Any

import pytest
from tests.api.hostile import is_answered, request

from homeport.kit.ids import RandomIds
from homeport.services.ec2 import store as ec2
from homeport.services.ec2.model import PUBLIC_POOL, PUBLIC_POOL_CIDR
from homeport.services.ec2.store.addresses import ensure_pool
from homeport.services.registry import SERVICES

SERVICE = SERVICES["servicediscovery"]


@pytest.fixture
def likely(api, cloudmap, done):
    """Make a bit of everything, and return what requests may well name."""

    async def furnish():
        async with api.database.transaction() as tx:
            await ensure_pool(tx, PUBLIC_POOL, PUBLIC_POOL_CIDR)
            await ec2.initialise(tx, ids=RandomIds())

    api.run(furnish())
    vpc = api.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    http = done(cloudmap.create_http_namespace(Name="http"))["NAMESPACE"]
    private = done(cloudmap.create_private_dns_namespace(Name="shop.internal", Vpc=vpc))["NAMESPACE"]
    operation = cloudmap.create_public_dns_namespace(Name="shop.example")["OperationId"]
    public = cloudmap.get_operation(OperationId=operation)["Operation"]["Targets"]["NAMESPACE"]
    config = {"DnsRecords": [{"Type": "A", "TTL": 5}]}
    check = {"HealthCheckConfig": {"Type": "TCP"}}
    custom: dict[str, Any] = {"HealthCheckCustomConfig": {}}
    services = [
        cloudmap.create_service(Name="web", **arguments)["Service"]
        for arguments in (
            {"NamespaceId": http, **custom},
            {"NamespaceId": private, "DnsConfig": config, **custom},
            {"NamespaceId": public, "DnsConfig": config, **check},
        )
    ]
    where = {"AWS_INSTANCE_IPV4": "198.18.0.9", "AWS_INSTANCE_PORT": "80"}
    for service in services:
        for instance in ("one", "two"):
            cloudmap.register_instance(ServiceId=service["Id"], InstanceId=instance, Attributes={**where, "a": "1"})
    ids = [service["Id"] for service in services]
    arns = [service["Arn"] for service in services]
    return {
        "Id": [http, private, public, *ids, *arns],
        "Name": ["new.example", "other", "a.b.example", "TYPE", "NAME", "STATUS", "UPDATE_DATE", "NAMESPACE_ID"],
        "Properties": [{"DnsProperties": {"SOA": {"TTL": 60}}}],
        "NamespaceId": [http, private, public],
        "ServiceId": [*ids, *arns],
        "InstanceId": ["one", "two", "three", "a/b:c", "x" * 64],
        "Instances": [["one"], ["one", "two"], ["three"]],
        "NamespaceName": ["http", "shop.internal", "shop.example"],
        "ServiceName": ["web"],
        "OperationId": [operation],
        "OwnerAccount": [api.account],
        "Vpc": [vpc, "vpc-0"],
        "ResourceARN": arns,
        "Attributes": [where, {"AWS_INSTANCE_CNAME": "a.b"}, {}, {**where, "AWS_INIT_HEALTH_STATUS": "HEALTHY"}],
        "QueryParameters": [{"a": "1"}, {}],
        "OptionalParameters": [{"a": "1"}, {"b": "2"}],
        "Values": [["HTTP"], ["0", "9999999999"], ["SUCCESS", "FAIL"], ids[:1], [http], []],
        "NextToken": ["", "eyJ9", "bm8="],
        "TTL": [0, 5, 2**31 - 1],
        "DnsRecords": [[{"Type": "A", "TTL": 1}], [{"Type": "SRV", "TTL": 1}], []],
        "Tags": [[], [{"Key": "a", "Value": ""}]],
        "TagKeys": [["a"], []],
    }


@pytest.mark.parametrize("name", sorted(SERVICE.operations))
def test_a_request_is_answered_or_refused(api, likely, name):
    client = api.client("servicediscovery", validate=False)
    source = random.Random(name)
    done = 0
    for _ in range(40):
        document = request(SERVICE, client.meta.service_model, name, source, likely)
        done += is_answered(client, name, document)
    assert done or name.startswith("Delete"), "some of them must be right"
