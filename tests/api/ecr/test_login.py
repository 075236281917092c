"""Who may push and pull, as the registry's clients learn it."""

import time
import urllib.error
import urllib.request

import pytest

pytestmark = pytest.mark.slow


def test_pushing_to_a_missing_repository_is_refused_in_awss_words(ecr):
    done = ecr.push("missing:v1", b"one")
    assert done.returncode != 0
    text = f"The repository with name 'missing' does not exist in the registry with id '{ecr.api.account}'"
    assert text in done.stderr
    assert text in ecr.pull("missing:v1").stderr


def test_a_wrong_password_is_refused(ecr):
    ecr.client.create_repository(repositoryName="web")
    assert "authentication required" in ecr.push("web:v1", b"one", password="wrong").stderr
    forged = ecr.password()[:-4] + "AAAA"
    assert "authentication required" in ecr.push("web:v1", b"one", password=forged).stderr
    assert ecr.client.list_images(repositoryName="web")["imageIds"] == []


def test_an_expired_password_says_so(ecr):
    ecr.client.create_repository(repositoryName="web")
    stale = ecr.authority.password("arn:aws:iam::123456789012:root", int(time.time()) - 1)
    assert (
        "Your authorization token has expired. Reauthenticate and try again."
        in ecr.pull("web:v1", password=stale).stderr
    )


def test_the_nodes_password_pulls_but_does_not_push(ecr):
    ecr.client.create_repository(repositoryName="web")
    ecr.pushed("web:v1", b"one")
    node = ecr.authority.node_password()
    assert ecr.pull("web:v1", password=node).returncode == 0
    assert ecr.push("web:v2", b"two", password=node).returncode != 0


def status_of(ecr, path, token=None):
    request = urllib.request.Request(f"http://{ecr.address}{path}")
    if token is not None:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def test_the_registry_accepts_only_fresh_tokens_of_ours(ecr):
    from homeport.services.ecr.authority import Authority

    access = [{"type": "repository", "name": "web", "actions": ["pull"]}]
    now = time.time()
    assert status_of(ecr, "/v2/") == 401
    assert status_of(ecr, "/v2/", ecr.authority.registry_token("x", [], now)) == 200
    assert status_of(ecr, "/v2/", ecr.authority.registry_token("x", [], now - 600)) == 401
    assert status_of(ecr, "/v2/", Authority.create(now).registry_token("x", [], now)) == 401
    assert status_of(ecr, "/v2/", ecr.password()) == 401
    assert status_of(ecr, "/v2/other/tags/list", ecr.authority.registry_token("x", access, now)) == 401
