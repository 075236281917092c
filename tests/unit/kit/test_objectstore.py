"""The settings of the store that the operator names; what is wrong is said without a key."""

from pathlib import Path

import pytest

from homeport.kit.objectstore import BadStore, Keys, check_store, read_keys

WHOLE = "[default]\naws_access_key_id = AKIA\naws_secret_access_key = very/secret%\nregion = garage\n"


def test_keys_are_read_as_awss_tools_read_them(tmp_path: Path):
    file = tmp_path / "keys"
    file.write_text(WHOLE)
    keys = read_keys(file)
    assert keys == Keys("AKIA", "very/secret%", region="garage")
    assert "secret" not in repr(keys).replace("secret_access_key", "")
    check_store("https://store.test:9000", str(file))
    check_store("", "")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[default]\naws_access_key_id = AKIA\n", "lack aws_secret_access_key"),
        (WHOLE.replace("default", "other"), "lack default"),
        ("very/secret", "form of AWS's own files"),
        (None, "cannot be read"),
    ],
)
def test_what_is_wrong_is_said_without_a_key(tmp_path: Path, text: str | None, said: str):
    file = tmp_path / "keys"
    if text is not None:
        file.write_text(text)
    with pytest.raises(BadStore, match=said) as caught:
        check_store("http://store.test", str(file))
    assert "very/secret" not in str(caught.value)


@pytest.mark.parametrize("endpoint", ["store.test:9000", "ftp://store.test", "http://", "http://a:very-secret@store"])
def test_an_endpoint_is_a_url(tmp_path: Path, endpoint: str):
    file = tmp_path / "keys"
    file.write_text(WHOLE)
    with pytest.raises(BadStore) as caught:
        check_store(endpoint, str(file))
    assert "very" not in str(caught.value)


@pytest.mark.parametrize("given", [("http://store.test", ""), ("", "/keys")])
def test_both_are_needed(given: tuple[str, str]):
    with pytest.raises(BadStore, match="both"):
        check_store(*given)
