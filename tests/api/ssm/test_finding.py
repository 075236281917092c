"""Parameters by path, by filter, and AWS's public ones."""

import json
import re

import pytest

RECOMMENDED = "/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended"


@pytest.fixture
def tree(put):
    """Give a small hierarchy, with neighbours whose names begin alike."""
    for name in (
        "top",
        "/single",
        "/web/port",
        "/web/host",
        "/web/tls/cert",
        "/web/tls/key",
        "/website/port",
        "/web-a",
    ):
        put(name, name.upper())
    put("/web/hosts", "a,b", Type="StringList")


def names(answer):
    return [found["Name"] for found in answer["Parameters"]]


@pytest.mark.parametrize(
    ("path", "recursive", "expected"),
    [
        ("/web", False, ["/web/host", "/web/hosts", "/web/port"]),
        ("/web/", False, ["/web/host", "/web/hosts", "/web/port"]),
        ("/web", True, ["/web/host", "/web/hosts", "/web/port", "/web/tls/cert", "/web/tls/key"]),
        ("/web/tls", False, ["/web/tls/cert", "/web/tls/key"]),
        ("/", False, ["/single", "/web-a", "top"]),
        ("/nothing", True, []),
        ("/web/port", True, []),
    ],
)
def test_a_path_leads_to_what_is_below_it(ssm, tree, path, recursive, expected):
    assert names(ssm.get_parameters_by_path(Path=path, Recursive=recursive)) == expected


def test_paths_come_in_pages(ssm, put):
    for number in range(130):
        put(f"/many/{number:03}")
        put(f"/many/{number:03}/deeper")
    pages = list(ssm.get_paginator("get_parameters_by_path").paginate(Path="/many"))
    assert [len(page["Parameters"]) for page in pages] == [10] * 13
    assert [name for page in pages for name in names(page)] == [f"/many/{number:03}" for number in range(130)]
    everything = ssm.get_paginator("describe_parameters").paginate(PaginationConfig={"PageSize": 50})
    assert [len(page["Parameters"]) for page in everything] == [50] * 5 + [10]


def test_paths_are_filtered_by_type_alone(ssm, tree, refused):
    wanted = [{"Key": "Type", "Values": ["StringList"]}]
    assert names(ssm.get_parameters_by_path(Path="/web", ParameterFilters=wanted)) == ["/web/hosts"]
    assert refused(ssm.get_parameters_by_path, Path="/web", ParameterFilters=[{"Key": "Name", "Values": ["x"]}]) == (
        "InvalidFilterKey",
        "The following filter key is not valid: Name. Valid filter keys include: [Type].",
    )


@pytest.mark.parametrize("path", ["web", "//", "/web//tls", "/we b"])
def test_a_path_has_a_form(ssm, refused, path):
    code, message = refused(ssm.get_parameters_by_path, Path=path)
    assert code == "ValidationException"
    assert message.startswith("The parameter doesn't meet the parameter name requirements.")


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"Key": "Name", "Values": ["top", "/single"]}, ["/single", "top"]),
        ({"Key": "Name", "Option": "BeginsWith", "Values": ["/web/h"]}, ["/web/host", "/web/hosts"]),
        ({"Key": "Name", "Option": "Contains", "Values": ["port"]}, ["/web/port", "/website/port"]),
        ({"Key": "Type", "Option": "BeginsWith", "Values": ["StringL"]}, ["/web/hosts"]),
        ({"Key": "Path", "Values": ["/web/tls", "/website"]}, ["/web/tls/cert", "/web/tls/key", "/website/port"]),
        ({"Key": "Path", "Option": "Recursive", "Values": ["/website"]}, ["/website/port"]),
        ({"Key": "Tier", "Values": ["Advanced"]}, []),
        ({"Key": "DataType", "Values": ["aws:ec2:image"]}, []),
    ],
)
def test_descriptions_are_filtered(ssm, tree, wanted, expected):
    assert names(ssm.describe_parameters(ParameterFilters=[wanted])) == expected


def test_filters_add_up(ssm, tree):
    wanted = [
        {"Key": "Path", "Option": "Recursive", "Values": ["/web"]},
        {"Key": "Type", "Values": ["String"]},
        {"Key": "Name", "Option": "Contains", "Values": ["host"]},
    ]
    assert names(ssm.describe_parameters(ParameterFilters=wanted)) == ["/web/host"]
    assert not names(ssm.describe_parameters(Shared=True))


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ([{"Key": "Label", "Values": ["x"]}], "InvalidFilterKey"),
        ([{"Key": "tag:a", "Values": ["x"]}], "InvalidFilterKey"),
        ([{"Key": "Name", "Values": ["x"]}, {"Key": "Name", "Values": ["y"]}], "InvalidFilterKey"),
        ([{"Key": "Name"}], "InvalidFilterValue"),
        ([{"Key": "Type", "Values": ["Text"]}], "InvalidFilterValue"),
        ([{"Key": "Type", "Option": "Contains", "Values": ["String"]}], "InvalidFilterOption"),
        ([{"Key": "Path", "Option": "Equals", "Values": ["/web"]}], "InvalidFilterOption"),
        ([{"Key": "Path", "Values": ["/aws/service"]}], "ValidationException"),
        ([{"Key": "Path", "Values": ["web"]}], "ValidationException"),
    ],
)
def test_filters_that_say_nothing_are_refused(ssm, refused, wanted, code):
    assert refused(ssm.describe_parameters, ParameterFilters=wanted)[0] == code


def test_tokens_of_others_are_refused(ssm, refused):
    for operation, others in ((ssm.describe_parameters, {}), (ssm.get_parameters_by_path, {"Path": "/"})):
        assert refused(operation, NextToken="nonsense", **others)[0] == "InvalidNextToken"


# AWS's public parameters


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1"])
def test_the_recommended_image_can_be_described(api, region):
    ssm, ec2 = api.client("ssm", region=region), api.client("ec2", region=region)
    found = ssm.get_parameter(Name=RECOMMENDED)["Parameter"]
    assert found["ARN"] == f"arn:aws:ssm:{region}::parameter{RECOMMENDED}"
    value = json.loads(found["Value"])
    assert set(value) == {
        *("ecs_agent_version", "ecs_runtime_version", "image_id", "image_name", "image_version", "os"),
        "schema_version",
    }
    [image] = ec2.describe_images(ImageIds=[value["image_id"]])["Images"]
    assert image["Name"] == value["image_name"]
    assert value["image_version"] in value["image_name"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", value["ecs_agent_version"])
    assert (value["os"], value["schema_version"]) == ("Amazon Linux 2023", 1)
    identity = ssm.get_parameter(Name=f"{RECOMMENDED}/image_id")["Parameter"]
    assert (identity["Value"], identity["DataType"]) == (image["ImageId"], "aws:ec2:image")
    assert ssm.get_parameter(Name=identity["ARN"])["Parameter"] == identity


def test_public_parameters_are_found_by_path(ssm):
    folder = RECOMMENDED.removesuffix("/recommended")
    assert names(ssm.get_parameters_by_path(Path=folder)) == [RECOMMENDED]
    assert names(ssm.get_parameters_by_path(Path=RECOMMENDED)) == [f"{RECOMMENDED}/image_id"]
    pages = list(
        ssm.get_paginator("get_parameters_by_path").paginate(
            Path="/aws/service/ecs", Recursive=True, PaginationConfig={"PageSize": 1}
        )
    )
    assert [names(page) for page in pages] == [[RECOMMENDED], [f"{RECOMMENDED}/image_id"]]


def test_they_are_not_the_account_s(ssm, refused):
    assert not ssm.describe_parameters()["Parameters"]
    assert not names(ssm.get_parameters_by_path(Path="/", Recursive=True))
    assert refused(ssm.delete_parameter, Name=RECOMMENDED)[0] == "ParameterNotFound"
    assert refused(ssm.put_parameter, Name=RECOMMENDED, Value="mine", Overwrite=True)[0] == "AccessDeniedException"


@pytest.mark.parametrize("other", ["amazon-linux-2", "amazon-linux-2023/arm64", "amazon-linux-2023/gpu"])
def test_images_that_are_not_here_have_no_parameter(ssm, other):
    name = f"/aws/service/ecs/optimized-ami/{other}/recommended/image_id"
    assert ssm.get_parameters(Names=[name])["InvalidParameters"] == [name]
