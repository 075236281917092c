"""The step that decides whether an authentic caller may do what it asks."""

from collections.abc import Awaitable, Callable

from homeport.aws.call import Principal

#: Answers None when the action is allowed, else why not, in AWS's words.
Authorise = Callable[[Principal, str, str], Awaitable[str | None]]

#: What AWS lets everybody do who can sign at all.
ALWAYS_ALLOWED = frozenset({"sts:GetCallerIdentity"})


async def root_only(principal: Principal, action: str, resource: str) -> str | None:  # noqa: ARG001 - the shape of every rule
    """Let the account's root do everything, and anybody else nothing."""
    if principal.arn == f"arn:aws:iam::{principal.account}:root" or action in ALWAYS_ALLOWED:
        return None
    return f"no identity-based policy allows the {action} action"
