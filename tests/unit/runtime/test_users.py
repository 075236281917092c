"""Users are found as Docker finds them."""

import pytest

from homeport.runtime.protocol import RuntimeFailed
from homeport.runtime.users import User, find_user

PASSWD = "root:x:0:0::/root:/bin/sh\nbroken line\nweb:x:1000:1001::/srv:/bin/sh\nhomeless:x:7:7:::/bin/sh\n"
GROUP = "root:x:0:\nstaff:x:50:web,other\nweb:x:1001:\naudio:x:29:other,web\n"


@pytest.mark.parametrize(
    ("user", "found"),
    [
        ("", User(0, 0, (), "/root")),
        ("web", User(1000, 1001, (29, 50), "/srv")),
        ("1000", User(1000, 1001, (29, 50), "/srv")),
        ("web:staff", User(1000, 50, (), "/srv")),
        ("9999", User(9999, 0, (), "/")),
        ("9999:8888", User(9999, 8888, (), "/")),
        (":staff", User(0, 50, (), "/root")),
        ("homeless", User(7, 7, (), "/")),
    ],
)
def test_lookup(user: str, found: User) -> None:
    assert find_user(user, PASSWD, GROUP) == found


@pytest.mark.parametrize(
    ("user", "told"),
    [
        ("nobody", "unable to find user nobody: no matching entries in passwd file"),
        ("web:nogroup", "unable to find group nogroup: no matching entries in group file"),
        ("4294967296", "uids and gids must be in range 0-2147483647"),
        ("\N{SUPERSCRIPT TWO}", "unable to find user"),
    ],
)
def test_unknown(user: str, told: str) -> None:
    with pytest.raises(RuntimeFailed, match=told):
        find_user(user, PASSWD, GROUP)


def test_image_without_files_has_root_and_numbers() -> None:
    assert find_user("", "", "") == User(0, 0, (), "/")
    assert find_user("5:6", "", "") == User(5, 6, (), "/")
