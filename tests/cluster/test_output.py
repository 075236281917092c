"""Whatever a container prints is in its log stream: whole, once, and in order."""

import pytest
from tests.cluster.conftest import GROUP, Lab, awslogs, shell

pytestmark = [pytest.mark.cluster, pytest.mark.slow]


def test_a_flood_arrives_whole_and_in_order(lab: Lab) -> None:
    expected = [str(number) for number in range(1, 200_001)]
    assert lab.output(shell("seq 1 200000"), cpu="1024", memory="2048") == expected


def test_long_lines_are_cut_into_full_events(lab: Lab) -> None:
    lines = lab.output(shell("head -c 600000 /dev/zero | tr '\\0' x; echo; printf end"), cpu="1024", memory="2048")
    assert lines[-1] == "end"
    assert "".join(lines[:-1]) == "x" * 600_000
    assert len(lines) == 4


def test_bytes_that_are_no_text_are_replaced(lab: Lab) -> None:
    script = r"printf '\377ab\n\000z\n\n\303\251 \303\nno end'"
    assert lab.output(shell(script)) == ["\ufffdab", "\0z", "é \ufffd", "no end"]


@pytest.mark.parametrize(
    "options",
    [{"awslogs-multiline-pattern": r"^\d{4}-"}, {"awslogs-datetime-format": "%Y-%m-%d"}],
)
def test_lines_are_joined_to_events(lab: Lab, options: dict[str, str]) -> None:
    script = "for day in 01 02; do echo 2024-01-$day x; echo '  at a'; echo '  at b'; done"
    lines = lab.output(shell(script, logConfiguration=awslogs(GROUP, **options)))
    assert lines == [f"2024-01-{day} x\n  at a\n  at b" for day in ("01", "02")]
