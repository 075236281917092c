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

# What HAProxy says of its own accord, and what is said instead.  It says 503 where a target could not be connected to:
# that there is none is known before it is asked.
ERRORS = MappingProxyType(
    {400: 400, 403: 403, 405: 405, 408: 408, 413: 413, 429: 429, 500: 500, 501: 501, 502: 502, 503: 502, 504: 504}
)


def body(status: int) -> str:
    """Return the page for a status."""
    title = f"{status} {_REASONS[status]}"
    return (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n"
        "</body>\r\n</html>\r\n"
    )


def answer(status: int) -> str:
    """Return the whole answer for a status, as an error file of HAProxy's holds it."""
    page = body(status)
    head = (
        f"HTTP/1.1 {status} {_REASONS[status]}",
        f"Server: {SERVER}",
        "Content-Type: text/html",
        f"Content-Length: {len(page)}",
        "Connection: close",
    )
    return "\r\n".join(head) + "\r\n\r\n" + page
