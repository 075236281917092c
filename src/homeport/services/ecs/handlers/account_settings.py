"""Account settings."""

from typing import Any

from homeport.aws.call import Call
from homeport.aws.paging import cut_page
from homeport.services.ecs.errors import InvalidParameter
from homeport.services.ecs.paging import after, page_size
from homeport.services.ecs.service import ecs
from homeport.services.ecs.settings import SETTINGS, check_value, effective, root_of
from homeport.services.ecs.store import account_settings as store

_MOST = 10  # settings in an answer


def _view(name: str, value: str, principal: str) -> dict[str, str]:
    return {"name": name, "value": value, "principalArn": principal, "type": SETTINGS[name].kind}


def _principal(call: Call, given: str | None) -> str:
    if given is None:
        return call.principal.arn
    if not given.startswith(f"arn:aws:iam::{call.account}:"):
        raise InvalidParameter("The specified principalArn is not a user, role or root of this account.")
    return given


@ecs.operation("PutAccountSetting")
async def put_account_setting(call: Call, *, name: str, value: str, principal_arn: str | None = None) -> dict[str, Any]:
    principal = _principal(call, principal_arn)
    if principal != call.principal.arn and call.principal.arn != root_of(call):
        raise InvalidParameter("Only the root user can change the account settings of another principal.")
    return await _put(call, principal, name, value)


@ecs.operation("PutAccountSettingDefault")
async def put_account_setting_default(call: Call, *, name: str, value: str) -> dict[str, Any]:
    return await _put(call, root_of(call), name, value)


async def _put(call: Call, principal: str, name: str, value: str) -> dict[str, Any]:
    check_value(name, value)
    await store.put(call.tx, call.region, principal, name, value, call.now())
    return {"setting": _view(name, value, principal)}


@ecs.operation("DeleteAccountSetting")
async def delete_account_setting(call: Call, *, name: str, principal_arn: str | None = None) -> dict[str, Any]:
    principal = _principal(call, principal_arn)
    await store.remove(call.tx, call.region, principal, name)
    return {"setting": _view(name, (await effective(call, principal))[name], principal)}


@ecs.operation("ListAccountSettings", reads=True)
async def list_account_settings(
    call: Call,
    *,
    name: str | None = None,
    value: str | None = None,
    principal_arn: str | None = None,
    effective_settings: bool = False,
    next_token: str | None = None,
    max_results: int | None = None,
) -> dict[str, Any]:
    if value is not None and name is None:
        raise InvalidParameter("A setting's value can only be looked for together with its name.")
    principal = _principal(call, principal_arn)
    chosen = (
        await effective(call, principal)
        if effective_settings
        else await store.of_principal(call.tx, call.region, principal)
    )
    (last,) = after(next_token, str) or ("",)
    listed = [
        _view(setting, held, principal)
        for setting, held in sorted(chosen.items())
        if setting > last and name in {None, setting} and value in {None, held}
    ]
    page = cut_page(listed, page_size(max_results, _MOST), key=lambda setting: (setting["name"],))
    return page.with_token({"settings": page.items})
