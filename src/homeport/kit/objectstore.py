"""
Where an S3-compatible store is, and how one signs in there.

The operator names both: Homeport has no S3 of its own.  Keys stand in a file of the form that AWS's tools read, and are never
printed.
"""

import configparser
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

_PROFILE = "default"


class BadStore(Exception):
    """The settings cannot be used; the message says why, and holds no key."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What requests to the store are signed with, and the region they are signed for, where it matters."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(default="", repr=False)
    region: str = ""


def check_store(endpoint: str, credentials: str) -> None:
    """Refuse settings with which a server could not begin; a store need not be named at all."""
    if endpoint and credentials:
        _check_endpoint(endpoint)
        read_keys(Path(credentials))
    elif endpoint or credentials:
        raise BadStore("a store needs both, the S3 endpoint and the S3 credentials")


def _check_endpoint(endpoint: str) -> None:
    parts = urlsplit(endpoint)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadStore("the S3 endpoint must be a URL that begins with http:// or https://")
    if parts.username is not None:
        raise BadStore("the S3 endpoint must not hold keys: they belong into the credentials file")


def read_keys(path: Path) -> Keys:
    """Return the keys of the profile [default]."""
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(path.read_text())
        section = parser[_PROFILE]
        return Keys(
            access_key_id=section["aws_access_key_id"],
            secret_access_key=section["aws_secret_access_key"],
            session_token=section.get("aws_session_token", ""),
            region=section.get("region", ""),
        )
    except OSError as error:
        raise BadStore(f"the S3 credentials cannot be read: {path}: {error.strerror}") from error
    except KeyError as error:
        raise BadStore(f"the S3 credentials lack {error.args[0]}: {path}") from None
    except (configparser.Error, UnicodeDecodeError):  # whose messages quote lines
        raise BadStore(f"the S3 credentials are not in the form of AWS's own files: {path}") from None
