"""A rule's conditions in HAProxy's words: named ACLs, whose lines of one name are alternatives."""

import re
from collections.abc import Iterator

from homeport.wire.messages import (
    HostHeader,
    HttpHeader,
    Listener,
    ListenerRule,
    PathPattern,
    QueryString,
    RequestMethod,
    SourceIp,
)

AnyCondition = HostHeader | PathPattern | HttpHeader | QueryString | SourceIp | RequestMethod


def quoted(word: str) -> str:
    """Return one word of HAProxy's configuration, whatever is in it."""
    return "'" + word.replace("'", "'\\''") + "'"


def when(*conditions: str) -> str:
    """Return the end of a line that counts where all *conditions* are met; an empty one always is."""
    asked = " ".join(filter(None, conditions))
    return f" if {asked}" if asked else ""


def of_rule(listener: Listener, number: int) -> str:
    """Return the condition that a rule is the one for this request: none if the listener has no other."""
    return f"{{ var(txn.rule) -m int {number} }}" if len(listener.rules) > 1 else ""


def acls(rule: ListenerRule, prefix: str) -> tuple[list[str], list[str]]:
    """Return the lines that say a rule's conditions, and the names of which all must be true."""
    lines: list[str] = []
    names: list[str] = []
    for number, condition in enumerate(rule.conditions):
        names.append(f"{prefix}-{number}")
        lines += [f"acl {names[-1]} {test}" for test in _tests(condition)]
    return lines, names


def _tests(condition: AnyCondition) -> Iterator[str]:
    match condition:
        case HostHeader(values=values):
            for value in values:
                yield f"req.hdr(host),field(1,:) -i {_text(value)}"
        case PathPattern(values=values):
            for value in values:
                yield f"path {_text(value)}"
        case HttpHeader(name=name, values=values):
            for value in values:
                yield f"{quoted(f'req.fhdr({name})')} -i {_text(value)}"
        case QueryString(values=pairs):
            for pair in pairs:
                # unconfirmed: whether AWS decodes the query before it compares; it is compared as it stands
                key = _pattern(pair.key, "[^&]") + "=" if pair.key else "([^&=]*=)?"
                yield f"query -i -m reg -- {quoted('(^|&)' + key + _pattern(pair.value, '[^&]') + '(&|$)')}"
        case SourceIp(values=blocks):
            for block in blocks:
                yield f"src -- {block}"
        case RequestMethod(values=methods):
            for method in methods:
                yield f"method -m str -- {quoted(method)}"


def _text(value: str) -> str:
    if "*" in value or "?" in value:
        return f"-m reg -- {quoted('^' + _pattern(value, '.') + '$')}"
    return f"-m str -- {quoted(value)}"


def _pattern(value: str, any_character: str) -> str:
    """Return the regular expression for a pattern in which * is any text and ? any character."""
    wild = {"*": f"{any_character}*", "?": any_character}
    return "".join(wild.get(character) or re.escape(character) for character in value)
