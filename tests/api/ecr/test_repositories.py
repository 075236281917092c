"""Repositories: made, described, tagged, deleted; what has no effect is refused."""

import base64
from datetime import UTC, datetime, timedelta

import pytest


def test_a_repository_is_made_and_described(ecr):
    made = ecr.client.create_repository(repositoryName="team/web", tags=[{"Key": "a", "Value": "1"}])["repository"]
    assert made["repositoryUri"] == f"{ecr.address}/team/web"
    assert made["repositoryArn"] == f"arn:aws:ecr:us-east-1:{ecr.api.account}:repository/team/web"
    assert made["registryId"] == ecr.api.account
    assert made["imageTagMutability"] == "MUTABLE"
    assert abs(made["createdAt"] - datetime.now(UTC)) < timedelta(minutes=1)
    assert ecr.client.describe_repositories(repositoryNames=["team/web"])["repositories"] == [made]
    assert ecr.client.describe_repositories()["repositories"] == [made]


def test_a_name_is_taken_once(ecr, refused):
    ecr.client.create_repository(repositoryName="web")
    code, message = refused(ecr.client.create_repository, repositoryName="web")
    assert code == "RepositoryAlreadyExistsException"
    assert message == f"The repository with name 'web' already exists in the registry with id '{ecr.api.account}'"
    other = ecr.api.client("ecr", region="eu-west-1")
    code, message = refused(other.create_repository, repositoryName="web")
    assert code == "RepositoryAlreadyExistsException"
    assert message.endswith("in region us-east-1")
    assert other.describe_repositories()["repositories"] == []


def test_pages_hold_every_repository_once(ecr):
    names = [f"r{number}" for number in range(7)]
    for name in names:
        ecr.client.create_repository(repositoryName=name)
    pages = list(ecr.client.get_paginator("describe_repositories").paginate(PaginationConfig={"PageSize": 3}))
    assert [len(page["repositories"]) for page in pages] == [3, 3, 1]
    assert [each["repositoryName"] for page in pages for each in page["repositories"]] == names


def test_a_missing_repository_is_named(ecr, refused):
    text = f"The repository with name 'gone' does not exist in the registry with id '{ecr.api.account}'"
    for operation in ("list_images", "describe_images", "delete_repository"):
        assert refused(getattr(ecr.client, operation), repositoryName="gone") == ("RepositoryNotFoundException", text)
    assert refused(ecr.client.describe_repositories, repositoryNames=["gone"])[0] == "RepositoryNotFoundException"
    assert (
        "registry with id '000000000000'"
        in refused(ecr.client.list_images, repositoryName="gone", registryId="000000000000")[1]
    )


def test_an_empty_repository_is_deleted_and_may_come_again(ecr):
    ecr.client.create_repository(repositoryName="web")
    assert ecr.client.delete_repository(repositoryName="web")["repository"]["repositoryName"] == "web"
    ecr.client.create_repository(repositoryName="web")
    assert ecr.client.list_images(repositoryName="web")["imageIds"] == []


@pytest.mark.parametrize(
    "argument",
    [
        {"imageTagMutability": "IMMUTABLE"},
        {"imageScanningConfiguration": {"scanOnPush": True}},
        {"encryptionConfiguration": {"encryptionType": "KMS"}},
        {"encryptionConfiguration": {"encryptionType": "AES256", "kmsKey": "x"}},
        {"registryId": "000000000000"},
    ],
)
def test_what_has_no_effect_is_refused(ecr, refused, argument):
    code, _ = refused(ecr.client.create_repository, repositoryName="web", **argument)
    assert code == "InvalidParameterException"
    assert ecr.client.describe_repositories()["repositories"] == []


def test_what_is_already_so_is_accepted(ecr, refused):
    ecr.client.create_repository(
        repositoryName="web",
        imageTagMutability="MUTABLE",
        imageScanningConfiguration={"scanOnPush": False},
        encryptionConfiguration={"encryptionType": "AES256"},
    )
    answer = ecr.client.put_image_tag_mutability(repositoryName="web", imageTagMutability="MUTABLE")
    assert answer["imageTagMutability"] == "MUTABLE"
    code, message = refused(ecr.client.put_image_tag_mutability, repositoryName="web", imageTagMutability="IMMUTABLE")
    assert (code, "not supported" in message) == ("InvalidParameterException", True)


def test_tags(ecr, refused):
    arn = ecr.client.create_repository(repositoryName="web", tags=[{"Key": "a", "Value": "1"}])["repository"][
        "repositoryArn"
    ]
    ecr.client.tag_resource(resourceArn=arn, tags=[{"Key": "b", "Value": "2"}, {"Key": "a", "Value": "3"}])
    assert ecr.client.list_tags_for_resource(resourceArn=arn)["tags"] == [
        {"Key": "a", "Value": "3"},
        {"Key": "b", "Value": "2"},
    ]
    ecr.client.untag_resource(resourceArn=arn, tagKeys=["a", "absent"])
    assert ecr.client.list_tags_for_resource(resourceArn=arn)["tags"] == [{"Key": "b", "Value": "2"}]
    many = [{"Key": str(number), "Value": ""} for number in range(50)]
    assert refused(ecr.client.tag_resource, resourceArn=arn, tags=many)[0] == "InvalidTagParameterException"
    assert refused(ecr.client.list_tags_for_resource, resourceArn=arn + "x")[0] == "RepositoryNotFoundException"


def test_a_password_holds_for_twelve_hours(ecr):
    data = ecr.client.get_authorization_token()["authorizationData"]
    assert len(data) == 1
    assert data[0]["proxyEndpoint"] == f"http://{ecr.address}"
    assert abs(data[0]["expiresAt"] - datetime.now(UTC) - timedelta(hours=12)) < timedelta(minutes=1)
    assert base64.b64decode(data[0]["authorizationToken"]).startswith(b"AWS:")
