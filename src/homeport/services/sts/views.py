"""STS's answers."""

from homeport.aws.call import Principal


def caller_view(principal: Principal) -> dict[str, str]:
    return {"UserId": principal.user_id, "Account": principal.account, "Arn": principal.arn}
