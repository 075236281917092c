"""The store that the operator names is looked at before anything is started."""

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from homeport.cli.main import app


@pytest.mark.parametrize("command", [["up"], ["lab"]])
def test_a_store_that_cannot_be_is_refused_before_anything_is_made(
    tmp_path: Path, command: list[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    keys = tmp_path / "keys"
    keys.write_text("[default]\naws_access_key_id = AKIA\naws_secret_access_key = very-secret\n")
    where = [] if command == ["lab"] else ["--state", str(tmp_path / "state"), "--run", str(tmp_path / "run")]
    for options, said in (
        (["--s3-endpoint", "http://store.test"], "needs both"),
        (["--s3-endpoint", "store.test", "--s3-credentials", str(keys)], "must be a URL"),
        (["--s3-endpoint", "http://store.test", "--s3-credentials", str(tmp_path / "none")], "cannot be read"),
    ):
        result = CliRunner().invoke(app, [*command, *where, *options])
        assert result.exit_code == 1
        assert said in result.stderr
        assert "very-secret" not in result.output
    assert [path.name for path in tmp_path.iterdir()] == ["keys"]
