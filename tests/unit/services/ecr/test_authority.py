"""Passwords and registry tokens: what they prove, to whom, and for how long."""

import base64
import json

import pytest

from homeport.node import registry as node_registry
from homeport.services.ecr import authority as module
from homeport.services.ecr.authority import NODE, TOKEN_SECONDS, Authority, NotAuthorized

NOW = 1_700_000_000.0


@pytest.fixture(scope="module")
def authority():
    return Authority.create(NOW)


def test_node_and_server_call_the_registry_the_same():
    assert (node_registry.SERVICE, node_registry.ISSUER) == (module.SERVICE, module.ISSUER)


def test_a_password_holds_until_its_end(authority):
    password = authority.password("arn:aws:iam::1:root", int(NOW) + 10)
    assert authority.check_password(password, NOW + 9) == "arn:aws:iam::1:root"
    with pytest.raises(NotAuthorized, match="expired"):
        authority.check_password(password, NOW + 10)


def test_the_nodes_password_is_always_the_same_and_holds_for_ever(authority):
    again = Authority(authority.signing_key, authority.certificate)
    assert again.node_password() == authority.node_password()
    assert authority.check_password(authority.node_password(), NOW * 10) == NODE


def test_nothing_but_a_password_is_one(authority):
    good = authority.password("x", 0)
    payload, _, mac = good.partition(".")
    other = base64.urlsafe_b64encode(b'{"sub":"node","exp":0}').rstrip(b"=").decode()
    foreign = Authority.create(NOW).password("x", 0)
    token = authority.registry_token("x", [], NOW)
    for bad in ("", ".", payload, f"{payload}.", f".{mac}", f"{other}.{mac}", f"{good}x", foreign, token, "ü.ü"):
        with pytest.raises(NotAuthorized):
            authority.check_password(bad, NOW)


def test_a_registry_token_is_short_lived_and_names_what_it_opens(authority):
    access = [{"type": "repository", "name": "web", "actions": ["pull"]}]
    token = authority.registry_token("me", access, NOW)
    header, claims = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in token.split(".")[:2])
    assert (header["alg"], len(header["x5c"])) == ("ES256", 1)
    assert claims["access"] == access
    assert (claims["iss"], claims["aud"], claims["sub"]) == (module.ISSUER, module.SERVICE, "me")
    assert claims["exp"] == int(NOW) + TOKEN_SECONDS
    assert claims["nbf"] < NOW
