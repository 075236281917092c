"""Namespaces: made, found, changed, deleted."""

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError


def test_a_namespace_is_what_was_declared(cloudmap, done, api):
    answer = cloudmap.create_http_namespace(Name="shop", Description="all of it", CreatorRequestId="first")
    id_ = done(answer)["NAMESPACE"]
    assert re.fullmatch(r"ns-[0-9a-z]{16}", id_)
    found = cloudmap.get_namespace(Id=id_)["Namespace"]
    assert dt.datetime.now(dt.UTC) - found.pop("CreateDate") < dt.timedelta(minutes=1)
    assert found == {
        "Id": id_,
        "Arn": f"arn:aws:servicediscovery:us-east-1:{api.account}:namespace/{id_}",
        "ResourceOwner": api.account,
        "Name": "shop",
        "Type": "HTTP",
        "Description": "all of it",
        "ServiceCount": 0,
        "Properties": {"DnsProperties": {}, "HttpProperties": {"HttpName": "shop"}},
        "CreatorRequestId": "first",
    }
    assert cloudmap.get_namespace(Id=found["Arn"])["Namespace"]["Id"] == id_


def test_a_name_is_taken_once_and_who_holds_it_is_told(cloudmap, namespace):
    id_ = namespace("shop", CreatorRequestId="first")
    with pytest.raises(cloudmap.exceptions.NamespaceAlreadyExists) as caught:
        cloudmap.create_http_namespace(Name="shop", CreatorRequestId="second")
    assert caught.value.response["NamespaceId"] == id_
    assert caught.value.response["CreatorRequestId"] == "first"


def test_regions_have_namespaces_of_their_own(cloudmap, namespace, api):
    id_ = namespace("shop")
    elsewhere = api.client("servicediscovery", region="eu-west-1")
    assert elsewhere.list_namespaces()["Namespaces"] == []
    with pytest.raises(elsewhere.exceptions.NamespaceNotFound):
        elsewhere.get_namespace(Id=id_)
    elsewhere.create_http_namespace(Name="shop")


def test_namespaces_come_in_pages_and_fifty_are_the_limit(cloudmap, namespace, refused):
    made = {namespace(f"shop-{number:02}") for number in range(50)}
    pages = list(cloudmap.get_paginator("list_namespaces").paginate(PaginationConfig={"PageSize": 15}))
    assert [len(page["Namespaces"]) for page in pages] == [15, 15, 15, 5]
    assert {found["Id"] for page in pages for found in page["Namespaces"]} == made
    code, _ = refused(cloudmap.create_http_namespace, Name="one-more")
    assert code == "ResourceLimitExceeded"


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ([("TYPE", "EQ", "HTTP")], {"shop", "shop-test", "bank"}),
        ([("TYPE", "EQ", "DNS_PRIVATE")], set()),
        ([("NAME", None, "shop")], {"shop"}),
        ([("NAME", "BEGINS_WITH", "shop")], {"shop", "shop-test"}),
        ([("HTTP_NAME", "EQ", "bank")], {"bank"}),
        ([("RESOURCE_OWNER", "EQ", "SELF")], {"shop", "shop-test", "bank"}),
        ([("RESOURCE_OWNER", "EQ", "OTHER_ACCOUNTS")], set()),
        ([("NAME", "BEGINS_WITH", "shop"), ("HTTP_NAME", "EQ", "shop-test")], {"shop-test"}),
    ],
)
def test_namespaces_are_filtered(cloudmap, namespace, filters, expected):
    for name in ("shop", "shop-test", "bank"):
        namespace(name)
    given = [
        {"Name": name, "Values": [value]} | ({"Condition": condition} if condition else {})
        for name, condition, value in filters
    ]
    assert {found["Name"] for found in cloudmap.list_namespaces(Filters=given)["Namespaces"]} == expected


@pytest.mark.parametrize(
    "wrong",
    [
        {"Name": "NAME", "Values": ["a", "b"]},
        {"Name": "NAME", "Values": ["a", "b"], "Condition": "IN"},
        {"Name": "RESOURCE_OWNER", "Values": ["S"], "Condition": "BEGINS_WITH"},
    ],
)
def test_filters_that_make_no_sense_are_refused(cloudmap, refused, wrong):
    assert refused(cloudmap.list_namespaces, Filters=[wrong])[0] == "InvalidInput"


def test_the_description_is_changed(cloudmap, namespace, done):
    id_ = namespace(Description="old")
    targets = done(cloudmap.update_http_namespace(Id=id_, Namespace={"Description": "new"}))
    assert targets == {"NAMESPACE": id_}
    assert cloudmap.get_namespace(Id=id_)["Namespace"]["Description"] == "new"


def test_a_namespace_is_deleted_when_its_services_are(cloudmap, namespace, service, refused, done):
    id_ = namespace()
    web = service(NamespaceId=id_)
    assert refused(cloudmap.delete_namespace, Id=id_) == (
        "ResourceInUse",
        "Namespace has associated services; delete the services before deleting the namespace",
    )
    cloudmap.delete_service(Id=web)
    assert done(cloudmap.delete_namespace(Id=id_)) == {"NAMESPACE": id_}
    assert refused(cloudmap.get_namespace, Id=id_)[0] == "NamespaceNotFound"
    assert refused(cloudmap.delete_namespace, Id=id_)[0] == "NamespaceNotFound"
    namespace()  # its name is free again


def test_tags_are_kept_overlaid_and_taken_away(cloudmap, namespace, service, refused):
    id_ = namespace(Tags=[{"Key": "team", "Value": "a"}])
    of_service = cloudmap.get_service(Id=service(NamespaceId=id_, Tags=[{"Key": "tier", "Value": "1"}]))["Service"]
    of_namespace = cloudmap.get_namespace(Id=id_)["Namespace"]
    for arn, first in (
        (of_namespace["Arn"], {"Key": "team", "Value": "a"}),
        (of_service["Arn"], {"Key": "tier", "Value": "1"}),
    ):
        assert cloudmap.list_tags_for_resource(ResourceARN=arn)["Tags"] == [first]
        cloudmap.tag_resource(ResourceARN=arn, Tags=[{**first, "Value": "z"}, {"Key": "zone", "Value": ""}])
        assert cloudmap.list_tags_for_resource(ResourceARN=arn)["Tags"] == [
            {**first, "Value": "z"},
            {"Key": "zone", "Value": ""},
        ]
        cloudmap.untag_resource(ResourceARN=arn, TagKeys=[first["Key"], "absent"])
        assert cloudmap.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "zone", "Value": ""}]
        many = [{"Key": f"key-{number}", "Value": ""} for number in range(50)]
        with pytest.raises(ClientError) as caught:
            cloudmap.tag_resource(ResourceARN=arn, Tags=many)
        assert caught.value.response["Error"]["Code"] == "TooManyTagsException"
        response: Mapping[str, Any] = caught.value.response
        assert response["ResourceName"] == arn
    missing = of_namespace["Arn"][:-1] + "!"
    assert refused(cloudmap.list_tags_for_resource, ResourceARN=missing)[0] == "ResourceNotFoundException"
    reserved = [{"Key": "aws:x", "Value": ""}]
    assert refused(cloudmap.create_http_namespace, Name="other", Tags=reserved)[0] == "InvalidInput"
