"""What `homeport dns` says."""

from homeport.cli.dns import Findings, advice
from homeport.kit.installation import Installation


def test_the_lines_to_configure_name_the_installations_own_port():
    text = "\n".join(advice(Installation(dns_port=5300), Findings(answers=True, system=False)))
    assert "answered at 127.0.0.1, port 5300" in text
    for line in ("DNS=127.0.0.1:5300", "server=/homeport.internal/127.0.0.1#5300", "stub-addr: 127.0.0.1@5300"):
        assert line in text


def test_nothing_is_advised_where_nothing_is_to_be_done():
    assert len(advice(Installation(), Findings(answers=True, system=True))) == 2
    silent = advice(Installation(), Findings(answers=False, system=False))
    assert silent[0] == "Nothing answers at 127.0.0.1, port 4553: see `homeport logs node`"
    assert len(silent) == 2
