"""
What a load balancer answers of its own, in the words of AWS's.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html
"""

from types import MappingProxyType

SERVER = "awselb/2.0"

_REASONS = MappingProxyType(
    {
        301: "Moved Permanently",
        302: "Found",
        400: "Bad Request",
        403: "Forbidden",
        405: "Not Allowed",
        408: "Request Time-out",
        413: "Request Entity Too Large",
        429: "Too Many Requests",
        500: "Internal Server Error",
        501: "Not Implemented",
        502: "Bad Gateway",
        503: "Service Temporarily Unavailable",
        504: "Gateway Time-out",
    }
)

ERRORS = (400, 403, 405, 408, 413, 429, 500, 501, 502, 504)  # that HAProxy says of its own accord, 503 excepted

# HAProxy says 503 where no target could be connected to: that there is none is known before it is asked.  AWS says 502 if
# connections were refused, and 504 if none came about in ten seconds; which it was is known by the time it took.
UNCONNECTED = "X-Homeport-Unconnected"  # marks that answer until its status is set
CONNECT_SECONDS, CONNECT_TRIES = 3, 3
_LONG = CONNECT_SECONDS * CONNECT_TRIES - 1
TOOK_LONG = f"date,sub(txn.begun),div({_LONG})"  # nothing if it did not


def body(status: int) -> str:
    """Return the page for a status."""
    return _page(title(status))


def unconnected() -> str:
    """Return the page for a target that could not be connected to, as a format of HAProxy's."""
    return _page(f"%[{TOOK_LONG},bool,iif({title(504)},{title(502)})]")


def title(status: int) -> str:
    """Return a status with its words."""
    return f"{status} {_REASONS[status]}"


def _page(title: str) -> str:
    return (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n"
        "</body>\r\n</html>\r\n"
    )


def answer(status: int) -> str:
    """Return the whole answer for a status, as an error file of HAProxy's holds it."""
    page = body(status)
    head = (
        f"HTTP/1.1 {title(status)}",
        f"Server: {SERVER}",
        "Content-Type: text/html",
        f"Content-Length: {len(page)}",
        "Connection: close",
    )
    return "\r\n".join(head) + "\r\n\r\n" + page
