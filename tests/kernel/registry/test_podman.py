"""Podman pushes to and pulls from the registry as it does with ECR."""

import base64
import json

import pytest

pytestmark = pytest.mark.kernel


def test_podman_pushes_and_pulls(site):
    site.loop.run(site.add_repository("team/box"))
    image = site.busybox_image()
    target = f"{site.address}/team/box:v1"
    site.podman("push", *site.credentials(), image, f"docker://{target}")
    before = site.podman("image", "inspect", "--format", "{{.Id}}", image).stdout
    site.podman("rmi", "--all", "--force")
    site.podman("pull", *site.credentials(), target)
    assert site.podman("image", "inspect", "--format", "{{.Id}}", target).stdout == before
    site.podman("rmi", "--all", "--force")
    site.podman("pull", *site.credentials(site.authority.node_password()), target)


def test_podman_logs_in(site):
    auth = f"--authfile={site.folder}/auth.json"
    site.podman("login", "--tls-verify=false", auth, "-u", "AWS", "-p", site.password(), site.address)
    wrong = site.podman("login", "--tls-verify=false", auth, "-u", "AWS", "-p", "wrong", site.address, check=False)
    assert wrong.returncode != 0
    assert "invalid username/password" in wrong.stderr


def test_podman_says_why_it_may_not(site):
    site.loop.run(site.add_repository("box"))
    image = site.busybox_image()
    missing = site.podman("push", *site.credentials(), image, f"docker://{site.address}/absent:v1", check=False)
    assert missing.returncode != 0
    assert (
        "name unknown: The repository with name 'absent' does not exist in the registry with id '123456789012'"
        in missing.stderr
    )
    password = site.password()
    site.podman("push", *site.credentials(password), image, f"docker://{site.address}/box:v1")
    site.clock.advance(12 * 60 * 60 + 1)
    expired = site.podman("pull", *site.credentials(password), f"{site.address}/box:v1", check=False)
    assert expired.returncode != 0
    assert "Your authorization token has expired" in expired.stderr


def test_awss_own_names_lead_to_this_registry(site, monkeypatch):
    """The mapping of a node's registries.conf; podman takes credentials for it from a file, not from --creds."""
    site.loop.run(site.add_repository("team/box"))
    image = site.busybox_image()
    site.podman("push", *site.credentials(), image, f"docker://{site.address}/team/box:v1")
    site.podman("rmi", "--all", "--force")
    config = site.folder / "registries.conf"
    config.write_text(
        f'[[registry]]\nprefix = "*.amazonaws.com"\nlocation = "{site.address}"\ninsecure = true\n'
        f'[[registry]]\nlocation = "{site.address}"\ninsecure = true\n'
    )
    monkeypatch.setenv("CONTAINERS_REGISTRIES_CONF", str(config))
    name = "123456789012.dkr.ecr.us-east-1.amazonaws.com/team/box:v1"
    login = base64.b64encode(f"AWS:{site.authority.node_password()}".encode()).decode()
    auth = site.folder / "auth.json"
    auth.write_text(json.dumps({"auths": {site.address: {"auth": login}}}))
    site.podman("pull", f"--authfile={auth}", name)
    assert name in site.podman("images", "--format", "{{.Repository}}:{{.Tag}}").stdout
