"""What is written about an installation is what everybody reads."""

import pytest

from homeport.kit import installation
from homeport.kit.installation import Credentials, Installation, client_environment, read, read_credentials


def test_settings_come_back_as_they_were_written(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = Installation(run=str(tmp_path / "run"), port=5000, region="eu-west-1")
    written.write()
    assert read(written.run) == written
    monkeypatch.setenv("HOMEPORT_RUN", written.run)
    assert read() == written


def test_writing_again_replaces_the_file_whole(tmp_path) -> None:
    Installation(run=str(tmp_path), port=5000).write()
    Installation(run=str(tmp_path), port=6000).write()
    assert [path.name for path in tmp_path.iterdir()] == [installation.FILE]
    found = read(str(tmp_path))
    assert found is not None
    assert found.endpoint == "http://127.0.0.1:6000"


def test_what_is_not_there_is_none(tmp_path) -> None:
    assert read(str(tmp_path)) is None
    assert read_credentials(Installation(state=str(tmp_path))) is None


def test_everything_that_survives_a_reboot_is_below_the_state_directory() -> None:
    settings = Installation(state="/a", run="/b")
    kept = (settings.server_state, settings.node_state, settings.credentials_file, settings.log_file("node"))
    lost = (settings.node_run, settings.wire_socket)
    assert all(str(path).startswith("/a/") for path in kept)
    assert all(str(path).startswith("/b/") for path in lost)


def test_clients_are_told_where_and_as_whom() -> None:
    keys = Credentials(access_key_id="AKIAEXAMPLE", secret_access_key="secret")
    assert client_environment(Installation(run="/b", region="eu-west-1"), keys) == {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:4566",
        "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_REGION": "eu-west-1",
        "HOMEPORT_RUN": "/b",
    }
