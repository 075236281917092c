"""Client tokens: a request that is sent twice makes one resource."""

from homeport.db.database import Tx
from homeport.services.ec2.errors import InvalidParameterValue


async def find_made(tx: Tx, region: str, token: str, request: str) -> str | None:
    """Return the resource that *token* made, if it made one; from another *request* it is an error."""
    row = await tx.fetch_one(
        "SELECT request, resource FROM ec2_client_tokens WHERE region = ? AND token = ?", region, token
    )
    if row is None:
        return None
    if row[0] != request:
        raise InvalidParameterValue(
            "The specified client token was used before with other parameters.", code="IdempotentParameterMismatch"
        )
    return str(row[1])


async def remember(tx: Tx, region: str, token: str, request: str, resource: str) -> None:
    """Note what *token* made; forgotten with the resource."""
    await tx.execute(
        "INSERT INTO ec2_client_tokens (region, token, request, resource) VALUES (?, ?, ?, ?)",
        region,
        token,
        request,
        resource,
    )
