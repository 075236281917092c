"""The file in which an instance's owner tells the ECS agent what to do: /etc/ecs/ecs.config.  Pure."""

import re

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LIMIT = 256  # settings; the file is the instance's own, and may hold anything


def parse_config(text: str) -> dict[str, str]:
    """
    Return the settings by name.

    A line is NAME=VALUE, with or without `export`; blank lines, those that begin with # and whatever is no setting
    count for nothing.  Quotes around a whole value are taken off.  The last of several settings of one name is meant.
    """
    found: dict[str, str] = {}
    for line in text.splitlines():
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        name, value = name.strip(), value.strip()
        if not equals or not _NAME.fullmatch(name) or (len(found) >= _LIMIT and name not in found):
            continue
        quoted = len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'"
        found[name] = value[1:-1] if quoted else value
    return found
