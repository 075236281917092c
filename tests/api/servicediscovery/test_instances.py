"""Instances: registered, described, their health."""

from typing import Any

import pytest

CUSTOM: dict[str, Any] = {"HealthCheckCustomConfig": {}}


def test_an_instance_is_what_was_registered(cloudmap, service, register, done, api):
    web = service()
    attributes = {"AWS_INSTANCE_IPV4": "10.0.0.7", "AWS_INSTANCE_PORT": "8080", "version": "a b"}
    assert done(register(web, "one", **attributes)) == {"SERVICE": web, "INSTANCE": "one"}
    found = cloudmap.get_instance(ServiceId=web, InstanceId="one")
    assert found["ResourceOwner"] == api.account
    assert found["Instance"]["Attributes"] == attributes
    [listed] = cloudmap.list_instances(ServiceId=web)["Instances"]
    assert listed == {"Id": "one", "Attributes": attributes, "CreatedByAccount": api.account}
    assert cloudmap.get_service(Id=web)["Service"]["InstanceCount"] == 1


def test_registering_an_id_again_replaces_it(cloudmap, service, register):
    web = service()
    register(web, "one", version="1", zone="a")
    register(web, "one", version="2")
    assert cloudmap.get_instance(ServiceId=web, InstanceId="one")["Instance"]["Attributes"] == {"version": "2"}
    assert cloudmap.get_service(Id=web)["Service"]["InstanceCount"] == 1


def test_a_deregistered_instance_is_gone(cloudmap, service, register, refused, done):
    web = service()
    register(web, "one", version="1")
    answer = cloudmap.deregister_instance(ServiceId=web, InstanceId="one")
    assert done(answer) == {"SERVICE": web, "INSTANCE": "one"}
    assert refused(cloudmap.get_instance, ServiceId=web, InstanceId="one")[0] == "InstanceNotFound"
    assert refused(cloudmap.deregister_instance, ServiceId=web, InstanceId="one")[0] == "InstanceNotFound"
    assert cloudmap.get_service(Id=web)["Service"]["InstanceCount"] == 0
    assert refused(cloudmap.deregister_instance, ServiceId="srv-no", InstanceId="one")[0] == "ServiceNotFound"


def test_instances_come_in_pages(cloudmap, service, register):
    web = service()
    for number in range(23):
        register(web, f"i-{number:02}", number=str(number))
    pages = list(cloudmap.get_paginator("list_instances").paginate(ServiceId=web, PaginationConfig={"PageSize": 10}))
    assert [len(page["Instances"]) for page in pages] == [10, 10, 3]
    assert [found["Id"] for page in pages for found in page["Instances"]] == [f"i-{number:02}" for number in range(23)]


@pytest.mark.parametrize(
    "attributes",
    [
        {"AWS_INSTANCE_IPV4": "10.0.0.256"},
        {"AWS_INSTANCE_IPV4": "2001:db8::1"},
        {"AWS_INSTANCE_IPV6": "10.0.0.1"},
        {"AWS_INSTANCE_PORT": "0"},
        {"AWS_INSTANCE_PORT": "65536"},
        {"AWS_INSTANCE_PORT": "http"},
        {"AWS_ALIAS_DNS_NAME": "web-1.elb.us-east-1.homeport.internal"},
        {"AWS_INIT_HEALTH_STATUS": "HEALTHY"},  # the service has no health check
        {"AWS_EC2_INSTANCE_ID": "i-00000000000000000"},  # there is none
        {"AWS_EC2_INSTANCE_ID": "i-00000000000000000", "zone": "a"},
        {f"key-{number}": "" for number in range(31)},
        {f"key-{number}": "x" * 1000 for number in range(5)},
    ],
    ids=lambda attributes: "-".join(attributes)[:40],
)
def test_attributes_that_make_no_sense_are_refused(cloudmap, service, register, refused, attributes):
    web = service()
    code, _ = refused(register, web, "one", **attributes)
    assert code == "InvalidInput"
    assert cloudmap.list_instances(ServiceId=web)["Instances"] == []


def test_the_most_attributes_are_taken(service, register):
    register(service(), "one", AWS_INSTANCE_IPV4="10.0.0.7", **{f"key-{number}": "x" for number in range(30)})


def test_a_service_has_at_most_a_thousand_instances(api, cloudmap, service, register, refused):
    web = service()

    async def fill() -> None:
        async with api.database.transaction() as tx:
            await tx.execute("UPDATE servicediscovery_services SET instance_count = 999 WHERE id = ?", web)

    api.run(fill())
    register(web, "last", version="1")
    register(web, "last", version="2")
    assert refused(register, web, "one-more")[0] == "ResourceLimitExceeded"


def test_custom_health_is_what_was_last_said(cloudmap, service, register, refused):
    web = service(**CUSTOM)
    register(web, "a", version="1")
    register(web, "b", AWS_INIT_HEALTH_STATUS="UNHEALTHY")
    assert cloudmap.get_instances_health_status(ServiceId=web)["Status"] == {"a": "HEALTHY", "b": "UNHEALTHY"}
    cloudmap.update_instance_custom_health_status(ServiceId=web, InstanceId="b", Status="HEALTHY")
    cloudmap.update_instance_custom_health_status(ServiceId=web, InstanceId="a", Status="UNHEALTHY")
    assert cloudmap.get_instances_health_status(ServiceId=web)["Status"] == {"a": "UNHEALTHY", "b": "HEALTHY"}
    assert cloudmap.get_instances_health_status(ServiceId=web, Instances=["b"])["Status"] == {"b": "HEALTHY"}
    assert refused(cloudmap.get_instances_health_status, ServiceId=web, Instances=["b", "c"])[0] == "InstanceNotFound"
    wrong = {"ServiceId": web, "InstanceId": "c", "Status": "HEALTHY"}
    assert refused(cloudmap.update_instance_custom_health_status, **wrong)[0] == "InstanceNotFound"
    assert refused(register, web, "d", AWS_INIT_HEALTH_STATUS="UNKNOWN")[0] == "InvalidInput"


def test_health_comes_in_pages(cloudmap, service, register):
    web = service(**CUSTOM)
    for number in range(5):
        register(web, f"i-{number}", number=str(number))
    for named in ({}, {"Instances": [f"i-{number}" for number in range(5)]}):
        found: dict[str, str] = {}
        token: dict[str, str] = {}
        for size in (2, 2, 1):
            answer = cloudmap.get_instances_health_status(ServiceId=web, MaxResults=2, **named, **token)
            assert len(answer["Status"]) == size
            found |= answer["Status"]
            token = {"NextToken": answer["NextToken"]} if "NextToken" in answer else {}
        assert not token
        assert sorted(found) == [f"i-{number}" for number in range(5)]


def test_without_a_check_health_is_unknown(cloudmap, service, register, refused):
    web = service()
    register(web, "a", version="1")
    assert cloudmap.get_instances_health_status(ServiceId=web)["Status"] == {"a": "UNKNOWN"}
    wrong = {"ServiceId": web, "InstanceId": "a", "Status": "HEALTHY"}
    assert refused(cloudmap.update_instance_custom_health_status, **wrong)[0] == "CustomHealthNotFound"


def test_operations_are_remembered_and_filtered(cloudmap, namespace, service, register, refused):
    home = namespace()
    web = service(NamespaceId=home)
    for number in range(7):
        register(web, f"i-{number}", number=str(number))
    cloudmap.deregister_instance(ServiceId=web, InstanceId="i-0")
    other = namespace("bank")

    def count(*filters):
        given = [
            {"Name": name, "Values": list(values)} | ({"Condition": condition} if condition else {})
            for name, condition, *values in filters
        ]
        paginator = cloudmap.get_paginator("list_operations")
        found = paginator.paginate(Filters=given, PaginationConfig={"PageSize": 3}).build_full_result()["Operations"]
        assert len({one["Id"] for one in found}) == len(found)
        assert all(one["Status"] == "SUCCESS" for one in found)
        return len(found)

    assert count() == 10
    assert count(("NAMESPACE_ID", None, home)) == 9
    assert count(("NAMESPACE_ID", "EQ", other)) == 1
    assert count(("SERVICE_ID", None, web)) == 8
    assert count(("TYPE", "IN", "DEREGISTER_INSTANCE", "CREATE_NAMESPACE")) == 3
    assert count(("TYPE", "EQ", "REGISTER_INSTANCE"), ("STATUS", "IN", "SUCCESS", "FAIL")) == 7
    assert count(("STATUS", "EQ", "FAIL")) == 0
    assert count(("STATUS", "EQ", "PENDING")) == 0
    assert count(("UPDATE_DATE", "BETWEEN", "0", "99999999999")) == 10
    assert count(("UPDATE_DATE", "BETWEEN", "0", "1")) == 0
    for wrong in (
        {"Name": "UPDATE_DATE", "Values": ["0", "1"]},
        {"Name": "UPDATE_DATE", "Values": ["0"], "Condition": "BETWEEN"},
        {"Name": "UPDATE_DATE", "Values": ["a", "b"], "Condition": "BETWEEN"},
        {"Name": "SERVICE_ID", "Values": ["a", "b"], "Condition": "IN"},
        {"Name": "TYPE", "Values": []},
    ):
        assert refused(cloudmap.list_operations, Filters=[wrong])[0] == "InvalidInput"
    assert refused(cloudmap.get_operation, OperationId="none")[0] == "OperationNotFound"
