"""Account settings: whose choice counts."""

from typing import Any

USER = "arn:aws:iam::123456789012:user/somebody"
ROOT = "arn:aws:iam::123456789012:root"


def value(ecs: Any, name: str, **more: Any) -> Any:
    listed = ecs.client.list_account_settings(name=name, effectiveSettings=True, **more)["settings"]
    return listed[0]["value"]


def test_effective_settings_are_complete_without_anybodys_choice(ecs: Any) -> None:
    pages = ecs.client.get_paginator("list_account_settings").paginate(effectiveSettings=True)
    settings = {setting["name"]: setting for page in pages for setting in page["settings"]}
    assert len(settings) == 11
    assert settings["taskLongArnFormat"] == {
        "name": "taskLongArnFormat",
        "value": "enabled",
        "principalArn": ROOT,
        "type": "user",
    }
    assert settings["guardDutyActivate"]["type"] == "aws_managed"
    assert ecs.client.list_account_settings()["settings"] == []


def test_own_choice_counts_more_than_the_accounts_and_that_more_than_awss(ecs: Any) -> None:
    ecs.client.put_account_setting_default(name="containerInsights", value="enabled")
    assert value(ecs, "containerInsights", principalArn=USER) == "enabled"
    ecs.client.put_account_setting(name="containerInsights", value="enhanced", principalArn=USER)
    assert value(ecs, "containerInsights", principalArn=USER) == "enhanced"
    assert value(ecs, "containerInsights") == "enabled"
    left = ecs.client.delete_account_setting(name="containerInsights", principalArn=USER)["setting"]
    assert left["value"] == "enabled"
    assert ecs.client.create_cluster(clusterName="web")["cluster"]["settings"] == [
        {"name": "containerInsights", "value": "enabled"}
    ]


def test_choices_are_listed_by_name_and_value(ecs: Any) -> None:
    ecs.client.put_account_setting(name="awsvpcTrunking", value="enabled")
    listed = ecs.client.list_account_settings(name="awsvpcTrunking", value="enabled")["settings"]
    assert listed == [{"name": "awsvpcTrunking", "value": "enabled", "principalArn": ROOT, "type": "user"}]
    assert ecs.client.list_account_settings(name="awsvpcTrunking", value="disabled")["settings"] == []


def test_what_would_not_take_effect_is_refused(ecs: Any) -> None:
    put = ecs.client.put_account_setting
    assert ecs.refusal(put, name="taskLongArnFormat", value="disabled")[0] == "UnsupportedFeatureException"
    assert ecs.refusal(put, name="fargateFIPSMode", value="enabled")[0] == "UnsupportedFeatureException"
    assert ecs.refusal(put, name="containerInsights", value="perhaps")[0] == "InvalidParameterException"
    assert ecs.refusal(put, name="guardDutyActivate", value="on")[0] == "InvalidParameterException"
    assert (
        ecs.refusal(put, name="containerInsights", value="enabled", principalArn="arn:aws:iam::999999999999:root")[0]
        == "InvalidParameterException"
    )


def test_value_alone_finds_nothing(ecs: Any) -> None:
    assert ecs.refusal(ecs.client.list_account_settings, value="enabled")[0] == "InvalidParameterException"
