"""What the node remembers of a load balancer and of its targets."""

import msgspec

from homeport.wire.messages import BalancerObserved, Eni, LoadBalancer, TargetObserved, Vpc


class BalancerRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A load balancer as the node remembers it, with its own copy of what it was declared with."""

    spec: LoadBalancer
    observed: BalancerObserved
    acked: int = 0  # the highest observation the server has recorded
    enis: tuple[Eni, ...] = ()  # in its namespace, the first being eth0
    vpc: Vpc | None = None


class TargetRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A target as it was last told of: a proxy that is started anew goes on from it."""

    observed: TargetObserved
    acked: int = 0  # the highest observation the server has recorded
