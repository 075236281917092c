"""
What a record's value may be, by its type, and how DNS writes it.

https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/ResourceRecordTypes.html
"""

import re

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype

from homeport.services.route53.names import BadName, decimal_escapes, parse

#: Types of which a name has one record at the most.
SINGLE = frozenset({"CNAME", "SOA"})

_NAMES = frozenset({"CNAME", "NS", "PTR"})
_QUOTED = frozenset({"SPF", "TXT"})
_STRINGS = re.compile(r'"((?:[^"\\]|\\.)*)"')
_LONGEST_STRING = 255
_ILLEGAL = {
    "A": "ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address)",
    "AAAA": "AAAARRDATAIllegalIPv6Address (Value is not a valid IPv6 address)",
}


class BadValue(Exception):
    """A value that its type does not allow; the message is AWS's, or as AWS's are."""


def wire_value(kind: str, value: str) -> str:
    """Return a value in DNS's own form, or raise BadValue."""
    return read_value(kind, value).to_text()


def read_value(kind: str, value: str) -> dns.rdata.Rdata:
    """Return what a value means, equal for all ways to write it, or raise BadValue."""
    text = _written(kind, value.strip())
    try:
        return dns.rdata.from_text(dns.rdataclass.IN, kind, text, origin=dns.name.root, relativize=False)
    except (dns.exception.DNSException, ValueError, OverflowError):
        raise _illegal(kind, value) from None


def _written(kind: str, text: str) -> str:
    """Return a value with escapes as DNS has them, if it has the general form of its type."""
    if kind in _NAMES:
        try:
            return parse(text).to_text()
        except BadName as problem:
            raise BadValue(f"FATAL problem: {problem}") from None
    if kind in _QUOTED:
        _check_strings(text)
    elif _has_syntax_of_files(text):
        raise _illegal(kind, text)
    return decimal_escapes(text)


def _check_strings(text: str) -> None:
    """Hold a value against the form of strings in quotation marks, each of at most 255 characters."""
    rest = _STRINGS.sub("", text)
    if not text or rest.strip() or not text.startswith('"') or not text.isprintable() or not text.isascii():
        raise BadValue(
            "FATAL problem: InvalidCharacterString (Value should be enclosed in quotation marks) "
            f"encountered with '{text}'"
        )
    for string in _STRINGS.findall(text):
        if len(re.sub(r"\\([0-3][0-7]{2}|.)", "x", string)) > _LONGEST_STRING:
            raise BadValue(f"FATAL problem: CharacterStringTooLong (Value is too long) encountered with '\"{string}\"'")


def _has_syntax_of_files(text: str) -> bool:
    """Say whether a value uses what only zone files have: comments, groups, lines, data of unknown types."""
    outside = _STRINGS.sub("", text)
    return not text.isascii() or not text.isprintable() or text.startswith("\\#") or bool(set(outside) & set(';()"'))


def _illegal(kind: str, value: str) -> BadValue:
    what = _ILLEGAL.get(kind, f"{kind}RRDATAInvalid (Value is not a valid {kind} record)")  # unconfirmed, but for A
    return BadValue(f"FATAL problem: {what} encountered with '{value}'")
