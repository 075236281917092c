"""An account's own parameters: made, read, changed, deleted."""

import datetime as dt

import pytest

EXISTS = "The parameter already exists. To overwrite this value, set the overwrite option in the request to true."


def test_a_parameter_is_what_was_put(ssm, put, api):
    assert put("/web/port", "80", Description="where it listens")["Version"] == 1
    found = ssm.get_parameter(Name="/web/port", WithDecryption=True)["Parameter"]
    assert dt.datetime.now(dt.UTC) - found.pop("LastModifiedDate") < dt.timedelta(minutes=1)
    assert found == {
        "Name": "/web/port",
        "Type": "String",
        "Value": "80",
        "Version": 1,
        "ARN": f"arn:aws:ssm:us-east-1:{api.account}:parameter/web/port",
        "DataType": "text",
    }
    [described] = ssm.describe_parameters()["Parameters"]
    assert described["Description"] == "where it listens"
    assert described["LastModifiedUser"] == f"arn:aws:iam::{api.account}:root"
    assert described["Tier"] == "Standard"
    assert "Value" not in described


def test_it_is_changed_only_on_purpose(ssm, put, refused):
    put("port", "80", Description="kept")
    assert refused(put, name="port", value="81") == ("ParameterAlreadyExists", EXISTS)
    assert ssm.get_parameter(Name="port")["Parameter"]["Value"] == "80"
    assert ssm.put_parameter(Name="port", Value="81", Overwrite=True)["Version"] == 2
    found = ssm.get_parameter(Name="port")["Parameter"]
    assert (found["Value"], found["Version"], found["Type"]) == ("81", 2, "String")
    assert ssm.describe_parameters()["Parameters"][0]["Description"] == "kept"


def test_overwriting_what_is_not_there_makes_it(ssm, put):
    assert put("port", Overwrite=True)["Version"] == 1


def test_the_type_stays(ssm, put, refused):
    put("hosts", "a,b", Type="StringList")
    assert ssm.get_parameter(Name="hosts")["Parameter"]["Type"] == "StringList"
    code, message = refused(put, name="hosts", value="a", Overwrite=True)
    assert code == "HierarchyTypeMismatchException"
    assert message.startswith("Parameter Store doesn't support changing a parameter type")
    assert refused(ssm.put_parameter, Name="other", Value="x") == (
        "ValidationException",
        "A parameter type is required when you create a parameter.",
    )


def test_former_versions_are_kept(ssm, put, refused, api):
    for number in range(1, 4):
        put("/web/port", str(number), Overwrite=True)
    chosen = ssm.get_parameter(Name="/web/port:2")["Parameter"]
    assert (chosen["Name"], chosen["Value"], chosen["Version"], chosen["Selector"]) == ("/web/port", "2", 2, ":2")
    assert ssm.get_parameter(Name="/web/port:3")["Parameter"]["Value"] == "3"
    assert refused(ssm.get_parameter, Name="/web/port:4") == (
        "ParameterVersionNotFound",
        "Systems Manager could not find version 4 of /web/port. Verify the version and try again.",
    )
    assert refused(ssm.get_parameter, Name="/web/port:label")[0] == "ParameterVersionNotFound"
    arn = f"arn:aws:ssm:us-east-1:{api.account}:parameter/web/port"
    assert ssm.get_parameter(Name=arn)["Parameter"]["Value"] == "3"
    assert ssm.get_parameter(Name=f"{arn}:1")["Parameter"]["Value"] == "1"


def test_a_history_comes_oldest_first_in_pages(ssm, put, refused):
    for number in range(1, 4):
        put("port", str(number), Overwrite=True)
    first = ssm.get_parameter_history(Name="port", MaxResults=2)
    second = ssm.get_parameter_history(Name="port", MaxResults=2, NextToken=first["NextToken"])
    assert "NextToken" not in second
    versions = [*first["Parameters"], *second["Parameters"]]
    assert [(version["Version"], version["Value"]) for version in versions] == [(1, "1"), (2, "2"), (3, "3")]
    assert refused(ssm.get_parameter_history, Name="nothing")[0] == "ParameterNotFound"


def test_a_hundred_versions_are_kept(ssm, put, refused):
    for number in range(1, 102):
        put("port", str(number), Overwrite=True)
    assert refused(ssm.get_parameter, Name="port:1")[0] == "ParameterVersionNotFound"
    assert ssm.get_parameter(Name="port:2")["Parameter"]["Value"] == "2"
    versions = [
        version["Version"]
        for page in ssm.get_paginator("get_parameter_history").paginate(Name="port")
        for version in page["Parameters"]
    ]
    assert versions == list(range(2, 102))


def test_several_are_read_at_once(ssm, put):
    put("a", "1")
    put("/b/c", "2")
    put("/b/c", "3", Overwrite=True)
    answer = ssm.get_parameters(Names=["/b/c:1", "nothing", "a", "a:9"])
    assert [found["Value"] for found in answer["Parameters"]] == ["2", "1"]
    assert answer["InvalidParameters"] == ["nothing", "a:9"]


def test_a_top_level_parameter_is_found_by_its_arn(ssm, put, api):
    put("port", "80")
    put("/slash", "81")
    for name, value in (("port", "80"), ("slash", "81")):
        arn = f"arn:aws:ssm:us-east-1:{api.account}:parameter/{name}"
        assert ssm.get_parameter(Name=arn)["Parameter"]["Value"] == value


def test_deleted_is_gone_with_all_versions(ssm, put, refused):
    put("port", "1")
    put("port", "2", Overwrite=True)
    ssm.delete_parameter(Name="port")
    assert refused(ssm.get_parameter, Name="port") == ("ParameterNotFound", "Parameter port not found.")
    assert refused(ssm.delete_parameter, Name="port") == ("ParameterNotFound", "Parameter port not found.")
    assert put("port", "3")["Version"] == 1
    assert refused(ssm.get_parameter, Name="port:2")[0] == "ParameterVersionNotFound"


def test_several_are_deleted_at_once(ssm, put):
    put("a")
    put("b")
    answer = ssm.delete_parameters(Names=["a", "nothing", "b"])
    assert (answer["DeletedParameters"], answer["InvalidParameters"]) == (["a", "b"], ["nothing"])
    assert not ssm.describe_parameters()["Parameters"]


def test_regions_share_nothing(ssm, put, api, refused):
    put("port", "80")
    elsewhere = api.client("ssm", region="eu-central-1")
    assert refused(elsewhere.get_parameter, Name="port")[0] == "ParameterNotFound"
    assert elsewhere.put_parameter(Name="port", Value="81", Type="String")["Version"] == 1
    elsewhere.delete_parameter(Name="port")
    assert ssm.get_parameter(Name="port")["Parameter"]["Value"] == "80"


@pytest.mark.parametrize(
    ("name", "code", "message"),
    [
        ("aws-thing", "ValidationException", 'Parameter name: can\'t be prefixed with "aws" or "ssm" (case-insens'),
        ("SSMthing", "ValidationException", 'Parameter name: can\'t be prefixed with "aws" or "ssm" (case-insens'),
        ("/aws", "ValidationException", 'Parameter name: can\'t be prefixed with "aws" or "ssm" (case-insens'),
        ("/ssm/thing", "ValidationException", 'Parameter name: can\'t be prefixed with "ssm" (case-insensitive). If'),
        ("/aws/thing", "AccessDeniedException", "No access to reserved parameter name: /aws/thing."),
        ("/web port", "ValidationException", 'Parameter name: can\'t be prefixed with "ssm" (case-insensitive). If'),
        ("/web//port", "ValidationException", 'Parameter name: can\'t be prefixed with "ssm" (case-insensitive). If'),
        ("/web/", "ValidationException", 'Parameter name: can\'t be prefixed with "ssm" (case-insensitive). If'),
        ("web/port", "ValidationException", "Parameter name must be a fully qualified name."),
        ("/a" * 16, "HierarchyLevelLimitExceededException", "A hierarchy can have a maximum of 15 levels."),
        ("a" * 1000, "ValidationException", "Parameter name: the parameter's ARN can have at most 1011 characters."),
    ],
)
def test_names_have_rules(put, refused, name, code, message):
    given = refused(put, name=name)
    assert given[0] == code
    assert given[1].startswith(message)


@pytest.mark.parametrize("name", ["a", "/a", "A.b-c_d", "/a" * 15, "a" * 900, "/web/aws"])
def test_good_names_are_taken(ssm, put, name):
    put(name)
    assert ssm.get_parameter(Name=name)["Parameter"]["Name"] == name


@pytest.mark.parametrize(
    ("others", "code"),
    [
        ({"value": ""}, "ValidationException"),
        ({"value": "x" * 4097}, "ValidationException"),
        ({"value": "{{other}}"}, "ValidationException"),
        ({"Type": "SecureString"}, "UnsupportedParameterType"),
        ({"DataType": "aws:ec2:image"}, "ValidationException"),
        ({"Tier": "Advanced"}, "ValidationException"),
        ({"AllowedPattern": "[0-9]+"}, "ValidationException"),
        ({"Policies": "[]"}, "ValidationException"),
        ({"Tags": [{"Key": "a", "Value": "b"}]}, "ValidationException"),
    ],
)
def test_what_cannot_be_honoured_is_refused(ssm, put, refused, others, code):
    assert refused(put, name="port", **others)[0] == code
    assert not ssm.describe_parameters()["Parameters"]


def test_the_refusal_of_secure_strings_says_why(put, refused):
    assert "KMS" in refused(put, name="password", Type="SecureString")[1]


def test_a_value_may_be_as_long_as_a_standard_one(put):
    assert put("long", "x" * 4096, Tier="Intelligent-Tiering")["Tier"] == "Standard"
