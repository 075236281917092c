"""What every message of the wire has in common."""

import msgspec


class Message(msgspec.Struct, frozen=True, kw_only=True, tag=True, omit_defaults=True):
    """Common settings: immutable, tagged with the class name, defaults left out."""
