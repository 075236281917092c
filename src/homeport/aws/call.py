"""One authorised request, as a handler sees it."""

from collections.abc import Callable
from dataclasses import dataclass

from homeport.aws.objects import ObjectStore
from homeport.db.database import Database, Tx
from homeport.kit.clock import Clock
from homeport.kit.ids import Ids


@dataclass(frozen=True, slots=True)
class Principal:
    """Who signed the request: the ARN and id that GetCallerIdentity shows."""

    arn: str
    user_id: str
    account: str


@dataclass(frozen=True, slots=True)
class Call:
    """
    All that a handler may depend on beside its arguments.

    The transaction commits when the handler returns; wakes go out after that commit.
    """

    account: str
    region: str
    principal: Principal
    request_id: str
    tx: Tx
    clock: Clock
    ids: Ids
    wake: Callable[[str], None]
    #: For operations that wait for something slow: registered as reading, they write in a transaction of their own.
    database: Database
    #: The store that the operator has named, if any; only for operations that hold no transaction open.
    objects: ObjectStore | None = None

    def now(self) -> float:
        return self.clock.now()

    def arn(self, service: str, resource: str) -> str:
        """Form an ARN of this account and region: `call.arn("ecs", "cluster/web")`."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"
