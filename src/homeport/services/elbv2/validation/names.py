"""Names of load balancers and target groups."""

import re

from homeport.services.elbv2.errors import ValidationError

_LONGEST = 32


def check_name(name: str, noun: str) -> None:
    """Refuse what cannot be the name of a *noun* ("Target group")."""
    if len(name) > _LONGEST:
        raise ValidationError(f"{noun} name '{name}' cannot be longer than '{_LONGEST}' characters")
    if not re.fullmatch(r"[a-zA-Z0-9-]+", name):
        raise ValidationError(
            f"{noun} name '{name}' can only contain characters that are alphanumeric characters or hyphens(-)"
        )
    if name.startswith("-") or name.endswith("-"):
        raise ValidationError(f"{noun} name '{name}' cannot begin or end with '-'")  # unconfirmed
