"""Placement constraints and strategies as clients send them."""

from typing import Any

import pytest

EC2 = {"name": "web", "image": "web", "memory": 64}


@pytest.mark.parametrize("launch_type", ["EC2", "FARGATE"])
@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        (
            {"placementConstraints": [{"type": "memberOf", "expression": "attribute:stack = prod"}]},
            "Invalid expression: expected an operator at position 17.",
        ),
        (
            {"placementConstraints": [{"type": "distinctInstance", "expression": "agentConnected == true"}]},
            "distinctInstance expression should not be specified.",
        ),
        ({"placementStrategy": [{"type": "random", "field": "cpu"}]}, "random field should not be specified"),
        ({"placementStrategy": [{"type": "binpack", "field": "CPU"}]}, "binpack field 'CPU' is invalid"),
        ({"placementStrategy": [{"type": "random"}] * 6}, "Maximum number of strategies is 5"),
    ],
)
def test_malformed_placement_is_refused_on_any_launch_type(
    ecs: Any, launch_type: str, parameters: dict[str, Any], sentence: str
) -> None:
    code, message = ecs.refusal(
        ecs.client.run_task, taskDefinition=ecs.register(), launchType=launch_type, **parameters
    )
    assert (code, message) == ("InvalidParameterException", sentence)


def test_well_formed_placement_is_not_what_ec2_lacks(ecs: Any) -> None:
    refusal = ecs.refusal(
        ecs.client.run_task,
        taskDefinition=ecs.register(),
        launchType="EC2",
        networkConfiguration=ecs.network(),
        placementConstraints=[{"type": "memberOf", "expression": "attribute:stack == prod"}],
        placementStrategy=[{"type": "binpack", "field": "memory"}],
    )
    assert refusal == ("InvalidParameterException", "No Container Instances were found in your cluster.")


def test_a_definition_keeps_its_constraints(ecs: Any) -> None:
    constraint = {"type": "memberOf", "expression": "attribute:ecs.instance-type =~ g2.*"}
    answer = ecs.client.register_task_definition(
        family="web", containerDefinitions=[EC2], placementConstraints=[constraint]
    )
    assert answer["taskDefinition"]["placementConstraints"] == [constraint]
    assert "FARGATE" not in answer["taskDefinition"]["compatibilities"]


def test_a_definition_whose_constraint_means_nothing_is_refused(ecs: Any) -> None:
    refusal = ecs.refusal(
        ecs.client.register_task_definition,
        family="web",
        containerDefinitions=[EC2],
        placementConstraints=[{"type": "memberOf", "expression": "size > 3"}],
    )
    assert refusal == ("ClientException", "Invalid expression: unknown subject 'size' at position 1.")
