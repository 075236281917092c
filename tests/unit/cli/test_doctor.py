"""The doctor says what is there, what is missing, and what that costs."""

import pytest

from homeport.cli.doctor import CHECKS, Check, doctor

FOUND = Check("podman", lambda: "/usr/bin/podman", "images cannot be pulled")
NEEDED = Check("nftables", lambda: "", "security groups cannot be enforced")
OPTIONAL = Check("catatonit", lambda: "", "initProcessEnabled is refused", needed=False)


def test_a_machine_with_all_that_is_needed_is_healthy(capsys: pytest.CaptureFixture[str]) -> None:
    assert doctor([FOUND, OPTIONAL]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "ok       podman           /usr/bin/podman",
        "without  catatonit        initProcessEnabled is refused",
    ]


def test_what_is_missing_is_named_with_its_cost(capsys: pytest.CaptureFixture[str]) -> None:
    assert doctor([FOUND, NEEDED, OPTIONAL]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "MISSING  nftables         security groups cannot be enforced"
    assert lines[-1].startswith("1 needed things are missing; scripts/install-system ")


def test_every_check_says_what_it_costs_to_be_without() -> None:
    assert len({check.name for check in CHECKS}) == len(CHECKS)
    assert all(check.cost for check in CHECKS)
