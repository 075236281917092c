"""The registry that the handlers of EC2 attach to."""

import functools
import inspect
from collections.abc import Callable
from typing import Any

from homeport.aws.call import Call
from homeport.aws.operation import Handler, Service
from homeport.services.ec2 import errors
from homeport.services.ec2.regions import REGIONS


class Ec2Service(Service):
    """Gives every operation its DryRun: the handler runs whole, then its transaction is undone."""

    def operation(
        self, name: str, *, reads: bool = False, ignores: tuple[str, ...] = (), dryable: bool = True
    ) -> Callable[[Handler], Handler]:
        """Register a handler; *dryable* is False for the few operations that have no DryRun."""

        def register(handler: Handler) -> Handler:
            super(Ec2Service, self).operation(name, reads=reads, ignores=ignores)(_checked(handler, dryable=dryable))
            return handler

        return register


def _checked(handler: Handler, *, dryable: bool) -> Handler:
    @functools.wraps(handler)
    async def checked(call: Call, *, dry_run: bool = False, **arguments: Any) -> dict[str, Any] | None:
        if call.region not in REGIONS:
            raise errors.InvalidParameterValue(f"The region '{call.region}' does not exist.")
        answer = await handler(call, **arguments)
        if dry_run:
            raise errors.dry_run()
        return answer

    if dryable:  # the binder reads the signature to learn which members are honoured
        signature = inspect.signature(handler)
        parameter = inspect.Parameter("dry_run", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=bool)
        checked.__signature__ = signature.replace(  # type: ignore[attr-defined]  # functions may carry one, says inspect
            parameters=[*signature.parameters.values(), parameter]
        )
    return checked


ec2 = Ec2Service("ec2")

#: The reconciler that tells nodes of changes to groups, routes and gateways.
NETWORK = "ec2.network"
#: The reconciler that gives nodes their instances; woken whenever an instance or an attachment has changed.
INSTANCES = "ec2.instances"
