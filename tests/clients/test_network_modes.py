"""The walk through the network modes, by the AWS CLI as a user would type it."""

import pytest
from tests.labs import ROOT, in_lab

EXAMPLE = ROOT / "examples" / "network-modes" / "run.sh"

pytestmark = [pytest.mark.clients, pytest.mark.slow]

PROVES = (
    "both are ACTIVE container instances",
    "each answers on a dynamic host port of its own",
    "a second copy there is refused: RESOURCE:PORTS",
    "a c5.large takes two, and refuses the third: RESOURCE:ENI",
    "both serve port 80, to whom their group allows",
    "a task without a network",
    "it takes ten tasks, and refuses the eleventh: RESOURCE:ENI",
    "an instance from before stays at two",
    "describe-trunk-interface-associations",
    "terminate-instances: tasks end with their host",
    "all of it",
)


def test_the_aws_cli_walks_through_all_modes() -> None:
    """In a lab of its own: the account setting that it changes is everybody's."""
    said = in_lab(EXAMPLE, timeout=1200)
    for step in PROVES:
        assert step in said, said
