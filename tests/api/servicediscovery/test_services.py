"""Services of namespaces, and the attributes that they have themselves."""

import datetime as dt
import re

import pytest


def test_a_service_is_what_was_declared(cloudmap, namespace, api):
    home = namespace()
    made = cloudmap.create_service(
        Name="web",
        NamespaceId=home,
        CreatorRequestId="first",
        Description="the front",
        HealthCheckCustomConfig={"FailureThreshold": 3},
        Type="HTTP",
    )["Service"]
    assert re.fullmatch(r"srv-[0-9a-z]{16}", made["Id"])
    assert made == cloudmap.get_service(Id=made["Id"])["Service"] == cloudmap.get_service(Id=made["Arn"])["Service"]
    assert dt.datetime.now(dt.UTC) - made.pop("CreateDate") < dt.timedelta(minutes=1)
    assert made == {
        "Id": made["Id"],
        "Arn": f"arn:aws:servicediscovery:us-east-1:{api.account}:service/{made['Id']}",
        "ResourceOwner": api.account,
        "CreatedByAccount": api.account,
        "Name": "web",
        "NamespaceId": home,
        "Type": "HTTP",
        "Description": "the front",
        "InstanceCount": 0,
        "HealthCheckCustomConfig": {"FailureThreshold": 1},
        "CreatorRequestId": "first",
    }
    assert cloudmap.get_namespace(Id=home)["Namespace"]["ServiceCount"] == 1


def test_a_name_is_taken_once_in_a_namespace(cloudmap, namespace, service):
    home, other = namespace("shop"), namespace("bank")
    id_ = service("web", NamespaceId=home, CreatorRequestId="first")
    with pytest.raises(cloudmap.exceptions.ServiceAlreadyExists) as caught:
        cloudmap.create_service(Name="web", NamespaceId=home)
    assert caught.value.response["Error"]["Message"] == "Service already exists."
    assert caught.value.response["ServiceId"] == id_
    assert caught.value.response["ServiceArn"].endswith(f":service/{id_}")
    assert caught.value.response["CreatorRequestId"] == "first"
    service("WEB", NamespaceId=home)  # another name, where DNS does not answer
    service("web", NamespaceId=other)


def test_what_cannot_be_served_is_refused(cloudmap, namespace, refused):
    home = namespace()
    record = {"DnsRecords": [{"Type": "A", "TTL": 60}]}
    assert refused(cloudmap.create_service, Name="web", NamespaceId=home, DnsConfig=record) == (
        "InvalidInput",
        "When you specify an HTTP service, you can't include a DnsConfig element.",
    )
    path = {"Type": "TCP", "ResourcePath": "/"}
    assert refused(cloudmap.create_service, Name="web", NamespaceId=home, HealthCheckConfig=path)[0] == "InvalidInput"
    both = {"HealthCheckConfig": {"Type": "TCP"}, "HealthCheckCustomConfig": {}}
    assert refused(cloudmap.create_service, Name="web", NamespaceId=home, **both)[0] == "InvalidInput"
    assert refused(cloudmap.create_service, Name="web")[0] == "InvalidInput"
    assert refused(cloudmap.create_service, Name="web", NamespaceId="ns-none")[0] == "NamespaceNotFound"
    assert cloudmap.list_services()["Services"] == []


def test_services_come_in_pages_of_one_namespace_or_all(cloudmap, namespace, service):
    home, other = namespace("shop"), namespace("bank")
    made = {service(f"web-{number}", NamespaceId=home) for number in range(12)}
    outside = service("web", NamespaceId=other)
    paginator = cloudmap.get_paginator("list_services")
    arn = cloudmap.get_namespace(Id=home)["Namespace"]["Arn"]
    for value in (home, arn):
        pages = list(
            paginator.paginate(Filters=[{"Name": "NAMESPACE_ID", "Values": [value]}], PaginationConfig={"PageSize": 5})
        )
        assert [len(page["Services"]) for page in pages] == [5, 5, 2]
        assert {found["Id"] for page in pages for found in page["Services"]} == made
    everything = paginator.paginate(PaginationConfig={"PageSize": 5}).build_full_result()["Services"]
    assert {found["Id"] for found in everything} == made | {outside}
    theirs = [{"Name": "RESOURCE_OWNER", "Values": ["OTHER_ACCOUNTS"]}]
    assert cloudmap.list_services(Filters=theirs)["Services"] == []


def test_filters_of_services_that_make_no_sense_are_refused(cloudmap, refused):
    for wrong in (
        {"Name": "NAMESPACE_ID", "Values": ["a", "b"]},
        {"Name": "NAMESPACE_ID", "Values": ["a"], "Condition": "BETWEEN"},
    ):
        assert refused(cloudmap.list_services, Filters=[wrong])[0] == "InvalidInput"
    assert refused(cloudmap.list_services, NextToken="nobody made this")[0] == "InvalidInput"


def test_a_service_is_deleted_when_its_instances_are(cloudmap, service, register, refused):
    web = service()
    register(web, "one", version="1")
    assert refused(cloudmap.delete_service, Id=web) == (
        "ResourceInUse",
        "Service contains registered instances; delete the instances before deleting the service",
    )
    cloudmap.deregister_instance(ServiceId=web, InstanceId="one")
    cloudmap.delete_service(Id=web)
    assert refused(cloudmap.get_service, Id=web)[0] == "ServiceNotFound"
    assert refused(cloudmap.delete_service, Id=web)[0] == "ServiceNotFound"


def test_a_service_has_attributes_of_its_own(cloudmap, service, refused):
    web = service()
    cloudmap.update_service_attributes(ServiceId=web, Attributes={"port": "80", "path": "/"})
    cloudmap.update_service_attributes(ServiceId=web, Attributes={"port": "8080"})
    found = cloudmap.get_service_attributes(ServiceId=web)["ServiceAttributes"]
    assert found["Attributes"] == {"port": "8080", "path": "/"}
    assert found["ServiceArn"].endswith(f":service/{web}")
    cloudmap.delete_service_attributes(ServiceId=web, Attributes=["path", "absent"])
    assert cloudmap.get_service_attributes(ServiceId=web)["ServiceAttributes"]["Attributes"] == {"port": "8080"}
    many = {f"key-{number}": "" for number in range(30)}
    assert refused(cloudmap.update_service_attributes, ServiceId=web, Attributes=many)[0] == (
        "ServiceAttributesLimitExceededException"
    )
