"""DescribeImages: the ECS-optimised image of the region."""

import re

import pytest

from .conftest import only, refused


@pytest.fixture
def image(ec2):
    [found] = ec2.describe_images(Owners=["amazon"])["Images"]
    return found


def test_the_image_is_amazon_s(image):
    assert re.fullmatch(r"ami-[0-9a-f]{17}", image["ImageId"])
    assert re.fullmatch(r"al2023-ami-ecs-hvm-2023\.0\.\d{8}-kernel-6\.1-x86_64", image["Name"])
    assert (image["ImageOwnerAlias"], image["OwnerId"]) == ("amazon", "591542846629")
    assert (image["State"], image["Architecture"], image["Public"]) == ("available", "x86_64", True)
    assert image["ImageLocation"] == f"amazon/{image['Name']}"


def test_each_region_has_an_id_of_its_own_and_keeps_it(api, image):
    elsewhere = api.client("ec2", region="eu-central-1")
    [other] = elsewhere.describe_images(Owners=["amazon"])["Images"]
    assert other["Name"] == image["Name"]
    assert other["ImageId"] != image["ImageId"]
    assert elsewhere.describe_images()["Images"] == [other]
    with refused("InvalidAMIID.NotFound", f"The image id '[{image['ImageId']}]' does not exist"):
        elsewhere.describe_images(ImageIds=[image["ImageId"]])


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("name", "al2023-ami-ecs-hvm-*-x86_64", 1),
        ("name", "amzn2-ami-ecs-hvm-*", 0),
        ("architecture", "x86_64", 1),
        ("architecture", "arm64", 0),
        ("owner-alias", "amazon", 1),
        ("state", "available", 1),
        ("state", "pending", 0),
        ("root-device-type", "ebs", 1),
        ("virtualization-type", "hvm", 1),
        ("is-public", "true", 1),
        ("platform", "windows", 0),
        ("creation-date", "20*", 1),
        ("image-id", "ami-*", 1),
    ],
)
def test_filters(ec2, name, value, found):
    assert len(ec2.describe_images(Filters=only(name, value))["Images"]) == found


@pytest.mark.parametrize(
    ("owners", "found"),
    [(["self"], 0), (["123456789012"], 0), (["self", "amazon"], 1), (["591542846629"], 1), (["aws-marketplace"], 0)],
)
def test_owners(ec2, owners, found):
    assert len(ec2.describe_images(Owners=owners)["Images"]) == found


@pytest.mark.parametrize(("users", "found"), [(["all"], 1), (["self"], 0)])
def test_only_everyone_may_launch(ec2, users, found):
    assert len(ec2.describe_images(ExecutableUsers=users)["Images"]) == found


def test_it_is_found_by_its_id(ec2, image):
    assert ec2.describe_images(ImageIds=[image["ImageId"]])["Images"] == [image]
    assert not ec2.describe_images(ImageIds=[image["ImageId"]], Owners=["self"])["Images"]


def test_ids_without_an_image_are_refused(ec2, image):
    with refused("InvalidAMIID.NotFound", "The image id '[ami-0123456789abcdef0]' does not exist"):
        ec2.describe_images(ImageIds=["ami-0123456789abcdef0", image["ImageId"]])
    with refused("InvalidAMIID.NotFound", "The image ids '[ami-01234567, ami-89abcdef]' do not exist"):
        ec2.describe_images(ImageIds=["ami-01234567", "ami-89abcdef"])
    with refused("InvalidAMIID.Malformed", 'Invalid id: "image" (expecting "ami-...")'):
        ec2.describe_images(ImageIds=["image"])
