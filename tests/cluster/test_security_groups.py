"""Security groups decide about real packets, at once."""

import pytest
from tests.cluster.conftest import Lab, until

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

PROBE = "while true; do timeout 3 wget -q -O - http://$TARGET/healthz || echo refused; sleep 0.1; done"


def test_two_tasks_of_one_definition_serve_port_80_and_a_third_gets_in_when_a_rule_says_so(lab: Lab) -> None:
    web = lab.define({"name": "web", "stopTimeout": 2})
    serving, probing = lab.security_group(), lab.security_group()
    first, second = lab.run(web, groups=[serving]), lab.run(web, groups=[serving])
    lab.running(first)
    lab.running(second)
    assert lab.address(first) != lab.address(second)
    prober = lab.define({"name": "probe", "entryPoint": ["sh", "-c"], "command": [PROBE], "stopTimeout": 2})

    def probe(target: str) -> str:
        override = {"name": "probe", "environment": [{"name": "TARGET", "value": lab.address(target)}]}
        task = lab.run(prober, groups=[probing], overrides={"containerOverrides": [override]})
        lab.running(task)
        return task

    probes = [probe(first), probe(second)]

    def all_see(word: str) -> bool:
        """Say whether the two newest answers of each probe are *word*."""
        seen = [[line for line in lab.lines(task, "probe") if line in ("ok", "refused")][-2:] for task in probes]
        return all(lines == [word, word] for lines in seen)

    until("both to be kept out", lambda: all_see("refused"))
    rule = [
        {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "UserIdGroupPairs": [{"GroupId": probing}]},
    ]
    lab.ec2.authorize_security_group_ingress(GroupId=serving, IpPermissions=rule)
    until("both to get in", lambda: all_see("ok"))
    lab.ec2.revoke_security_group_ingress(GroupId=serving, IpPermissions=rule)
    until("both to be kept out again", lambda: all_see("refused"))


def test_a_public_address_is_a_way_in_through_the_security_group(lab: Lab) -> None:
    import urllib.error
    import urllib.request

    web = lab.define({"name": "web", "stopTimeout": 2})
    group = lab.security_group()
    task = lab.run(web, groups=[group], public=True)
    lab.running(task)
    public = lab.interface(task)["Association"]["PublicIp"]

    def get() -> str:
        try:
            with urllib.request.urlopen(f"http://{public}/healthz", timeout=5) as answer:
                return str(answer.read().decode().strip())
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            return ""

    assert get() == ""
    lab.ec2.authorize_security_group_ingress(
        GroupId=group, IpProtocol="tcp", FromPort=80, ToPort=80, CidrIp="0.0.0.0/0"
    )
    assert until("the page", get) == "ok"
