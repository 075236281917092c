"""What `homeport join` asks for, and what it says of the result."""

from homeport.cli.join import describe, request_of


def test_the_machine_is_asked_for_by_its_own_type() -> None:
    asked = request_of("local", "ami-1", "main", "subnet-1", ["sg-1"])
    assert asked["InstanceType"] == "homeport.local"
    assert asked["SecurityGroupIds"] == ["sg-1"]
    assert asked["UserData"] == "#!/bin/sh\necho ECS_CLUSTER=main >> /etc/ecs/ecs.config\n"
    assert "SecurityGroupIds" not in request_of("local", "ami-1", "main", "subnet-1", [])


def test_it_says_what_the_machine_now_is_and_what_it_is_not() -> None:
    resources = [{"name": "CPU", "integerValue": 2048}, {"name": "MEMORY", "integerValue": 23000}]
    lines = describe({"containerInstanceArn": "arn:1", "registeredResources": resources}, "i-1")
    assert lines[0] == "arn:1"
    assert "2048 CPU units, 23000 MiB" in lines[1]
    assert "not the" in lines[2]
    assert lines[-1].endswith("--instance-ids i-1")
