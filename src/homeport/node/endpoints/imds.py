"""
The instance metadata service, 169.254.169.254: what an instance, and tasks on it, can learn of the instance.

It listens in the VPC's router, and who asks is known by the source address: an instance's own interface, or that of
an awsvpc task on an instance.  Containers on an instance's bridge come from the instance's interface.  Nobody else
has an instance: a Fargate task has no route here, and would be refused.

Version 2 asks for a token first.  The token's answer leaves in packets that may be forwarded hop limit - 1 times: with a
limit of 1 no container behind the bridge ever sees one.
"""

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from urllib.parse import unquote

from homeport.kit.clock import Clock
from homeport.node.endpoints.http import Request, Response
from homeport.node.endpoints.imds_tree import listing, look_up, tree
from homeport.node.endpoints.limiter import RateLimiter
from homeport.node.endpoints.tokens import LONGEST_SECONDS, Tokens
from homeport.node.instances.roster import InstanceRoster
from homeport.node.instances.runner import InstanceRunner
from homeport.node.tasks.roster import Roster

_TOKEN = "x-aws-ec2-metadata-token"  # noqa: S105 - a header's name
_TTL = "x-aws-ec2-metadata-token-ttl-seconds"
_TTL_ANSWER = "X-Aws-Ec2-Metadata-Token-Ttl-Seconds"
_SERVER = ("Server", "EC2ws")
_LATEST = "latest"
_VERSIONS = (
    *("1.0", "2007-01-19", "2007-03-01", "2007-08-29", "2007-10-10", "2007-12-15", "2008-02-01", "2008-09-01"),
    *("2009-04-04", "2011-01-01", "2011-05-01", "2012-01-12", "2014-02-25", "2014-11-05", "2015-10-20", "2016-04-19"),
    *("2016-06-30", "2016-09-02", "2018-03-28", "2018-08-17", "2018-09-24", "2019-10-01", "2020-10-27", "2021-01-03"),
    *("2021-03-23", "2021-07-15", "2022-09-24", _LATEST),
)
_PAGE = """<?xml version="1.0" encoding="iso-8859-1"?>
<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN"
\t"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">
<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="en" lang="en">
 <head>
  <title>{code} - {phrase}</title>
 </head>
 <body>
  <h1>{code} - {phrase}</h1>
 </body>
</html>
"""


class InstanceMetadataService:
    """The service's answers for the instances of one node."""

    def __init__(self, instances: InstanceRoster, roster: Roster, tokens: Tokens, clock: Clock) -> None:
        self._instances = instances
        self._roster = roster
        self._tokens = tokens
        self._clock = clock
        self._limiter = RateLimiter()

    def handler(self, vpc: str) -> Callable[[Request], Awaitable[Response]]:
        """Return the answers to requests that come from inside *vpc*."""

        async def handle(request: Request) -> Response:
            if not self._limiter.allows((vpc, request.peer), self._clock.now()):
                return _refusal(HTTPStatus.TOO_MANY_REQUESTS)
            return self._answer(vpc, request)

        return handle

    def _instance_of(self, vpc: str, peer: str) -> InstanceRunner | None:
        if (instance := self._instances.find_address(vpc, peer)) is not None:
            return instance
        task = self._roster.find_address(vpc, peer)
        if task is None or task.eni is None or task.eni.block_metadata:
            return None
        return self._instances.find(task.spec.instance)

    def _answer(self, vpc: str, request: Request) -> Response:
        instance = self._instance_of(vpc, request.peer)
        if instance is None or not instance.spec.metadata.endpoint:
            return _refusal(HTTPStatus.FORBIDDEN)
        path = [unquote(part) for part in request.path.split("/")[1:]]
        if path == [_LATEST, "api", "token"]:
            return self._token(instance, request)
        if request.method not in ("GET", "HEAD"):
            return _refusal(HTTPStatus.METHOD_NOT_ALLOWED, ("Allow", "GET, HEAD"))
        headers: tuple[tuple[str, str], ...] = ()
        if (token := request.headers.get(_TOKEN)) is not None:
            left = self._tokens.seconds_left(token, instance.id, self._clock.now())
            if left is None:
                return _refusal(HTTPStatus.UNAUTHORIZED)
            headers = ((_TTL_ANSWER, str(left)),)
        elif instance.spec.metadata.tokens_required:
            return _refusal(HTTPStatus.UNAUTHORIZED)
        return _document(instance, path, headers)

    def _token(self, instance: InstanceRunner, request: Request) -> Response:
        if request.method != "PUT":
            return _refusal(HTTPStatus.METHOD_NOT_ALLOWED, ("Allow", "OPTIONS, PUT"))
        if "x-forwarded-for" in request.headers:
            return _refusal(HTTPStatus.FORBIDDEN)  # somebody else asks, through a proxy that does not know better
        given = request.headers.get(_TTL, "").strip()
        if not (given.isascii() and given.isdigit() and len(given) < 10 and 1 <= int(given) <= LONGEST_SECONDS):
            return _refusal(HTTPStatus.BAD_REQUEST)
        token = self._tokens.issue(instance.id, int(given), self._clock.now())
        return Response(
            HTTPStatus.OK,
            token.encode(),
            "text/plain",
            (_SERVER, (_TTL_ANSWER, given)),
            instance.spec.metadata.hop_limit,
        )


def _document(instance: InstanceRunner, path: list[str], headers: tuple[tuple[str, str], ...]) -> Response:
    if path in ([], [""]):
        return Response(HTTPStatus.OK, "\n".join(_VERSIONS).encode(), "text/plain", (_SERVER, *headers))
    if path[0] not in _VERSIONS:
        return _refusal(HTTPStatus.NOT_FOUND)
    found = look_up(tree(instance.spec, instance.enis, instance.vpc), path[1:])
    match found:
        case bytes():
            return Response(HTTPStatus.OK, found, "application/octet-stream", (_SERVER, *headers))
        case str():
            return Response(HTTPStatus.OK, found.encode(), "text/plain", (_SERVER, *headers))
        case Mapping():
            return Response(HTTPStatus.OK, listing(found).encode(), "text/plain", (_SERVER, *headers))
    return _refusal(HTTPStatus.NOT_FOUND)


def _refusal(status: HTTPStatus, *headers: tuple[str, str]) -> Response:
    page = _PAGE.format(code=status.value, phrase=status.phrase)
    return Response(status, page.encode(), "text/html", (_SERVER, *headers))
