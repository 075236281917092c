"""Images: pushed with skopeo to the real registry, then seen, fetched and deleted through the API."""

import json
from datetime import UTC, datetime, timedelta

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture
def web(ecr):
    ecr.client.create_repository(repositoryName="web")
    return ecr


def ids(ecr, **arguments):
    return ecr.client.list_images(repositoryName="web", **arguments)["imageIds"]


def details(ecr, **arguments):
    return ecr.client.describe_images(repositoryName="web", **arguments)["imageDetails"]


def test_a_pushed_image_is_described(web, eventually):
    digest = web.pushed("web:v1", b"one")
    (repository,) = web.client.describe_repositories()["repositories"]
    eventually(lambda: details(web)[0]["imagePushedAt"] != repository["createdAt"])  # the registry has reported it
    (image,) = details(web)
    assert image["imageDigest"] == digest
    assert image["imageTags"] == ["v1"]
    manifest = json.loads((web.image(b"one") / "blobs" / "sha256" / digest.removeprefix("sha256:")).read_text())
    assert image["imageSizeInBytes"] == manifest["config"]["size"] + manifest["layers"][0]["size"]
    assert image["imageManifestMediaType"] == manifest["mediaType"]
    assert image["artifactMediaType"] == manifest["config"]["mediaType"]
    assert abs(image["imagePushedAt"] - datetime.now(UTC)) < timedelta(minutes=1)
    assert details(web, imageIds=[{"imageTag": "v1"}, {"imageDigest": digest}]) == [image]
    assert ids(web) == [{"imageDigest": digest, "imageTag": "v1"}]


def test_two_tags_of_one_image_are_one_image(web):
    digest = web.pushed("web:v1", b"one")
    web.pushed("web:latest", b"one")
    (image,) = details(web)
    assert image["imageTags"] == ["latest", "v1"]
    assert ids(web) == [{"imageDigest": digest, "imageTag": "latest"}, {"imageDigest": digest, "imageTag": "v1"}]


def test_a_moved_tag_leaves_an_untagged_image(web, eventually):
    first, second = web.pushed("web:v1", b"one"), web.pushed("web:v1", b"two")
    eventually(lambda: {each["imageDigest"] for each in ids(web)} == {first, second})
    assert ids(web, filter={"tagStatus": "TAGGED"}) == [{"imageDigest": second, "imageTag": "v1"}]
    assert ids(web, filter={"tagStatus": "UNTAGGED"}) == [{"imageDigest": first}]
    assert "imageTags" not in details(web, imageIds=[{"imageDigest": first}])[0]


def test_contents_are_right_after_the_registry_was_killed(web):
    digest = web.pushed("web:v1", b"one")
    web.api.run(web.registry.stop())
    web.api.run(web.registry.start(web.settings()))
    assert ids(web) == [{"imageDigest": digest, "imageTag": "v1"}]


def test_a_restart_gives_back_the_room_of_deleted_images_only(web):
    web.pushed("web:v1", b"one")
    web.pushed("web:v2", b"two")
    web.pushed("web:v2", b"three")
    web.client.batch_delete_image(repositoryName="web", imageIds=[{"imageTag": "v1"}])

    def blobs():
        return len(list((web.folder / "registry" / "storage").glob("**/blobs/**/data")))

    assert blobs() == 9
    web.api.run(web.registry.stop())
    web.api.run(web.registry.start(web.settings()))
    assert blobs() == 6  # config, layer and manifest of the tagged image and of the one whose tag moved
    assert web.pull("web:v2").returncode == 0
    assert web.pull(f"web@{web.digests[b'two']}").returncode == 0
    web.pushed("web:v1", b"one")
    assert web.pull("web:v1").returncode == 0


def test_a_registry_that_is_down_is_a_server_fault_and_deletes_nothing(web, refused):
    web.pushed("web:v1", b"one")
    web.api.run(web.registry.stop())
    code, message = refused(web.client.describe_images, repositoryName="web")
    assert (code, "does not answer" in message) == ("ServerException", True)
    assert refused(web.client.delete_repository, repositoryName="web", force=True)[0] == "ServerException"
    web.api.run(web.registry.start(web.settings()))
    assert len(ids(web)) == 1


def test_pages_hold_every_image_once(web):
    digests = sorted(web.pushed(f"web:v{number}", b"%d" % number) for number in range(5))
    pages = list(
        web.client.get_paginator("describe_images").paginate(repositoryName="web", PaginationConfig={"PageSize": 2})
    )
    assert [len(page["imageDetails"]) for page in pages] == [2, 2, 1]
    assert [each["imageDigest"] for page in pages for each in page["imageDetails"]] == digests


def test_an_absent_image_is_named(web, refused):
    code, message = refused(web.client.describe_images, repositoryName="web", imageIds=[{"imageTag": "v9"}])
    assert code == "ImageNotFoundException"
    assert message == (
        "The image with imageId {imageDigest:'null', imageTag:'v9'} does not exist within the repository "
        f"with name 'web' in the registry with id '{web.api.account}'"
    )


def test_manifests_are_fetched_and_put_under_another_tag(web, refused):
    digest = web.pushed("web:v1", b"one")
    answer = web.client.batch_get_image(
        repositoryName="web", imageIds=[{"imageTag": "v1"}, {"imageTag": "v9"}, {"imageDigest": "sha256:" + "0" * 64}]
    )
    (image,) = answer["images"]
    assert image["imageId"] == {"imageTag": "v1", "imageDigest": digest}
    assert [each["failureCode"] for each in answer["failures"]] == ["ImageNotFound", "ImageNotFound"]
    again = {"repositoryName": "web", "imageManifest": image["imageManifest"], "imageTag": "stable"}
    assert web.client.put_image(**again)["image"]["imageId"] == {"imageTag": "stable", "imageDigest": digest}
    assert details(web)[0]["imageTags"] == ["stable", "v1"]
    assert refused(web.client.put_image, **again)[0] == "ImageAlreadyExistsException"
    lost = json.loads(image["imageManifest"])
    lost["layers"][0]["digest"] = "sha256:" + "1" * 64
    code, _ = refused(web.client.put_image, repositoryName="web", imageManifest=json.dumps(lost), imageTag="lost")
    assert code == "LayersNotFoundException"
    code, _ = refused(web.client.put_image, repositoryName="web", imageManifest="{", imageTag="bad")
    assert code == "InvalidParameterException"


def test_deleting_one_of_two_tags_keeps_the_image(web):
    digest = web.pushed("web:v1", b"one")
    web.pushed("web:latest", b"one")
    answer = web.client.batch_delete_image(repositoryName="web", imageIds=[{"imageTag": "latest"}])
    assert answer["imageIds"] == [{"imageDigest": digest, "imageTag": "latest"}]
    assert answer["failures"] == []
    assert ids(web) == [{"imageDigest": digest, "imageTag": "v1"}]
    assert web.pull("web:v1").returncode == 0
    assert web.pull("web:latest").returncode != 0
    web.client.batch_delete_image(repositoryName="web", imageIds=[{"imageTag": "v1"}])
    assert ids(web) == []
    assert web.pull(f"web@{digest}").returncode != 0


def test_deleting_by_digest_takes_all_tags(web):
    digest = web.pushed("web:v1", b"one")
    web.pushed("web:latest", b"one")
    kept = web.pushed("web:v2", b"two")
    answer = web.client.batch_delete_image(
        repositoryName="web", imageIds=[{"imageDigest": digest}, {"imageTag": "v9"}, {}]
    )
    assert len(answer["imageIds"]) == 2
    assert [each["failureCode"] for each in answer["failures"]] == ["ImageNotFound", "MissingDigestAndTag"]
    assert ids(web) == [{"imageDigest": kept, "imageTag": "v2"}]
    pushed_again = web.pushed("web:v1", b"one")
    assert {"imageDigest": pushed_again, "imageTag": "v1"} in ids(web)
    assert web.pull("web:v1").returncode == 0


def test_a_repository_with_images_goes_only_by_force(web, refused):
    web.pushed("web:v1", b"one")
    code, message = refused(web.client.delete_repository, repositoryName="web")
    assert code == "RepositoryNotEmptyException"
    assert message == (
        f"The repository with name 'web' in registry with id '{web.api.account}' "
        "cannot be deleted because it still contains images"
    )
    web.client.delete_repository(repositoryName="web", force=True)
    assert web.client.describe_repositories()["repositories"] == []
    web.client.create_repository(repositoryName="web")
    assert ids(web) == []
    assert web.pull("web:v1").returncode != 0
    web.pushed("web:v1", b"one")
    assert web.pull("web:v1").returncode == 0
