"""The agent's settings, as people write them."""

from homeport.kit.ecsconfig import parse_config


def test_settings_comments_and_quotes():
    text = """
# the cluster
ECS_CLUSTER=web
export ECS_RESERVED_MEMORY = 256
ECS_INSTANCE_ATTRIBUTES={"stack": "a=b", "x": "y"}
QUOTED="a b"
SINGLE='c'
HALF="d
EMPTY=
not a setting
1BAD=x
ECS_CLUSTER=later
"""
    assert parse_config(text) == {
        "ECS_CLUSTER": "later",
        "ECS_RESERVED_MEMORY": "256",
        "ECS_INSTANCE_ATTRIBUTES": '{"stack": "a=b", "x": "y"}',
        "QUOTED": "a b",
        "SINGLE": "c",
        "HALF": '"d',
        "EMPTY": "",
    }


def test_nobody_can_send_more_than_so_many():
    assert len(parse_config("".join(f"A{n}=1\n" for n in range(10_000)))) == 256
