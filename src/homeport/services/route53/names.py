r"""
Domain names as Route 53 writes them.

Other characters than a-z, 0-9, hyphen and underscore are `\ooo` in octal, where DNS's own form has `\DDD` in decimal.
https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DomainNameFormat.html
"""

import re

import dns.exception
import dns.name

_OCTAL = re.compile(r"\\([0-3][0-7]{2})")
_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789-_")


class BadName(Exception):
    """A text that is no domain name; the message says why in the words of AWS's parser."""


def canonical_name(text: str) -> str:
    """Return a name as AWS shows it, or raise BadName."""
    return shown(parse(text))


def parse(text: str) -> dns.name.Name:
    """Return the absolute name that *text* stands for, in lower case, or raise BadName."""
    if not text.isascii() or any(character < "!" for character in text):
        raise BadName(f"UnsupportedCharacter (Value contains unsupported characters) encountered with '{text}'")
    try:
        name = dns.name.from_text(decimal_escapes(text), dns.name.root)
    except dns.name.EmptyLabel:
        raise BadName(f"DomainLabelEmpty (Domain label is empty) encountered with '{text}'") from None
    except dns.name.LabelTooLong:
        raise BadName(f"DomainLabelTooLong (Domain label is too long) encountered with '{text}'") from None
    except dns.name.NameTooLong:
        raise BadName(f"DomainNameTooLong (Domain name is too long) encountered with '{text}'") from None
    except dns.exception.DNSException:
        raise BadName(f"InvalidDomainName (Value is not a valid domain name) encountered with '{text}'") from None
    return name.canonicalize()


def decimal_escapes(text: str) -> str:
    """Return *text* with Route 53's escapes as DNS writes them."""
    return _OCTAL.sub(lambda found: f"\\{int(found[1], 8):03d}", text)


def shown(name: dns.name.Name) -> str:
    """Return an absolute name as AWS shows it."""
    return ".".join(_shown_label(label) for label in name.labels[:-1]) + "."


def _shown_label(label: bytes) -> str:
    return "".join(chr(byte) if byte in _PLAIN else f"\\{byte:03o}" for byte in label)


def wire_name(name: str) -> str:
    """Return a name that AWS shows in DNS's own form."""
    return parse(name).to_text()


def sort_key(name: str) -> str:
    """Return what puts names in AWS's order: their labels reversed, each ended by a dot."""
    return "".join(f"{label}." for label in reversed(name.rstrip(".").split(".")))


def is_within(name: str, zone: str) -> bool:
    return name == zone or name.endswith(f".{zone}")
