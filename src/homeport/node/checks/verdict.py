"""
From results to verdicts.

https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/dns-failover-determining-health-of-endpoints.html
"""

from collections.abc import Mapping

import msgspec

from homeport.wire.messages import EndpointCheck


class Verdict(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whether an endpoint counts as healthy, and how many results in a row have said otherwise.  At first it does."""

    healthy: bool = True
    against: int = 0

    def after(self, *, passed: bool, threshold: int) -> "Verdict":
        """Return the verdict after another result."""
        if passed == self.healthy:
            return Verdict(healthy=self.healthy)
        if self.against + 1 >= threshold:
            return Verdict(healthy=passed)
        return Verdict(healthy=self.healthy, against=self.against + 1)


def states(checks: Mapping[str, EndpointCheck], verdicts: Mapping[str, Verdict]) -> dict[str, bool]:
    """Return what each check says in the end: inverted, switched off, or reckoned from its children."""
    return {id_: _state(checks, verdicts, id_, frozenset()) for id_ in checks}


def _state(
    checks: Mapping[str, EndpointCheck], verdicts: Mapping[str, Verdict], id_: str, above: frozenset[str]
) -> bool:
    check = checks.get(id_)
    if check is None or id_ in above:
        return True  # a check that is gone counts as passed, as does one that asks for itself
    if check.decided is not None:
        return check.decided
    if check.disabled:
        return not check.inverted
    if check.probe:
        healthy = verdicts.get(id_, Verdict()).healthy
    else:
        passed = sum(_state(checks, verdicts, child, above | {id_}) for child in check.children)
        healthy = passed >= check.needed
    return healthy != check.inverted
