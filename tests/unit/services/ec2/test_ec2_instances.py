"""What nodes are told of instances, and where these go."""

from dataclasses import replace

import pytest

from homeport.fleet.assignments import Node
from homeport.services.ec2.capacity import pick_node
from homeport.services.ec2.identity import Signer
from homeport.services.ec2.instance import Attached, Instance, Options, State
from homeport.services.ec2.instance_types import instance_types, type_of_node
from homeport.services.ec2.model import NetworkInterface
from homeport.services.ec2.reconcilers.instances import Plan, plan
from homeport.wire.messages import Facts

INSTANCE = Instance(
    id="i-1", region="us-east-1", reservation="r-1", launch_index=0, type="c5.large", image="ami-1", vpc="vpc-1",
    subnet="subnet-1", zone="us-east-1a", interface="eni-0", node="node-1", options=Options(), launched_at=1.0,
    launched_by="me", state=State.RUNNING, assigned=True,
)  # fmt: skip


def eni(number, **more):
    return NetworkInterface(
        id=f"eni-{number}", region="us-east-1", vpc="vpc-1", subnet="subnet-1", zone="us-east-1a", mac="", address="",
        dns_hostnames=True, attachment=f"eni-attach-{number}", instance="i-1", device_index=number, **more,
    )  # fmt: skip


PRIMARY, SECOND, TASK, LEAVING = eni(0), eni(1), eni(2, for_task=True), eni(3, detaching=True)


@pytest.mark.parametrize("state", [State.PENDING, State.RUNNING, State.STOPPING, State.STOPPED])
def test_a_node_has_what_is_not_terminated_with_its_own_interfaces(state):
    found = Attached(replace(INSTANCE, state=state), (PRIMARY, SECOND, TASK, LEAVING))
    assert plan(found) == Plan(assign=(PRIMARY, SECOND), withdraw=(LEAVING,), free=(LEAVING,))


def test_a_terminated_instance_is_taken_away_and_its_node_says_when_it_is_gone():
    ending = replace(INSTANCE, state=State.SHUTTING_DOWN, observed_sequence=1)
    unseen = replace(ending, observed_sequence=0)
    assert plan(Attached(unseen, (PRIMARY,))) == Plan(assign=(PRIMARY,)), "a node that never had it would never report"
    assert plan(Attached(ending, (PRIMARY, TASK, LEAVING))) == Plan(withdraw=(PRIMARY, LEAVING))
    unheard = replace(ending, assigned=False)
    assert plan(Attached(unheard, (PRIMARY,))) == Plan(withdraw=(PRIMARY,), ends=True)
    assert plan(Attached(replace(INSTANCE, state=State.TERMINATED), (TASK,))) == Plan()


def test_an_instance_runs_on_its_node_in_two_states_and_not_while_it_reboots():
    meant = [state for state in State if replace(INSTANCE, state=state).meant_to_run]
    assert meant == [State.PENDING, State.RUNNING]
    assert not replace(INSTANCE, rebooting=True).meant_to_run


def node(name, *, memory=1024, connected=True):
    return Node(name, Facts(cpus=2, memory=memory, kernel="6.1"), 1.0, connected)


def test_an_instance_goes_where_the_fewest_are():
    c5 = instance_types()["c5.large"]
    nodes = [node("a"), node("b"), node("c", connected=False)]
    assert pick_node(nodes, {"a": 1}, c5) == "b"
    assert pick_node([node("a"), node("b", memory=2048)], {}, c5) == "b"
    assert pick_node([node("a", connected=False)], {}, c5) is None


def test_a_type_that_stands_for_a_node_goes_nowhere_else():
    own = type_of_node("a", vcpus=2, memory_mib=1024)
    assert pick_node([node("a"), node("b")], {"a": 9}, own) == "a"
    assert pick_node([node("a", connected=False), node("b")], {}, own) is None


def test_the_same_document_always_has_the_same_signatures():
    signer = Signer.create(1e9)
    again = Signer(signer.signing_key, signer.certificate)
    assert signer.sign("{}") == again.sign("{}")
    assert signer.sign("{}") != signer.sign("[]")
