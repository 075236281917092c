"""What user data comes to: scripts, and refusals that say what cannot be done."""

import base64
import gzip
from contextlib import suppress
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeport.kit.userdata import Script, UnsupportedUserData, UserData, parse_user_data

SHELL = b"#!/bin/bash\necho ECS_CLUSTER=web >> /etc/ecs/ecs.config\n"


def archive(*parts: tuple[str, str], encoding: str = "us-ascii") -> bytes:
    whole = MIMEMultipart()
    for kind, text in parts:
        whole.attach(MIMEText(text, kind, encoding))
    return whole.as_bytes()


def test_nothing_asks_for_nothing():
    assert parse_user_data(b"") == parse_user_data(b" \n\n") == UserData()


def test_script_is_run_once_as_it_is():
    assert parse_user_data(SHELL) == UserData(once=(Script("part-001", SHELL),))


def test_compressed_user_data_is_unpacked():
    assert parse_user_data(gzip.compress(SHELL)) == parse_user_data(SHELL)


def test_bomb_is_refused():
    with pytest.raises(UnsupportedUserData, match="more than 1048576 bytes"):
        parse_user_data(gzip.compress(SHELL + b"#" * (2 << 20)))


def test_damaged_archive_is_refused():
    with pytest.raises(UnsupportedUserData, match="cut short"):
        parse_user_data(gzip.compress(SHELL)[:-4])
    with pytest.raises(UnsupportedUserData, match="gzip"):
        parse_user_data(b"\x1f\x8bnonsense at all")


@pytest.mark.parametrize("encoding", ["us-ascii", "utf-8"])
def test_parts_of_an_archive_are_run_in_their_order(encoding: str):
    data = archive(("x-shellscript", "#!/bin/sh\necho one"), ("plain", "#!/bin/sh\necho two"), encoding=encoding)
    found = parse_user_data(data)
    assert [(s.name, s.content.split(b"\n")[1]) for s in found.once] == [
        ("part-001", b"echo one"),
        ("part-002", b"echo two"),
    ]


def test_archive_with_a_configuration_as_aws_documents_it():
    data = b"""Content-Type: multipart/mixed; boundary="==BOUNDARY=="
MIME-Version: 1.0

--==BOUNDARY==
Content-Type: text/cloud-config; charset="us-ascii"

#cloud-config
runcmd:
  - echo hello
--==BOUNDARY==
Content-Type: text/x-shellscript; charset="us-ascii"

#!/bin/bash
echo ECS_CLUSTER=web >> /etc/ecs/ecs.config
--==BOUNDARY==--
"""
    found = parse_user_data(data)
    assert [script.name for script in found.once] == ["part-001", "runcmd"]
    assert b"ECS_CLUSTER=web" in found.once[0].content
    assert found.once[1].content == b"#!/bin/sh\necho hello\n"


def test_commands_of_a_configuration():
    found = parse_user_data(
        b"#cloud-config\nbootcmd:\n- [echo, 'a b', 3]\nruncmd:\n- 'echo $HOME'\n- [touch, /tmp/it's]\n"
    )
    assert found.always == (Script("bootcmd", b"#!/bin/sh\necho 'a b' 3\n"),)
    assert found.once == (Script("runcmd", b"#!/bin/sh\necho $HOME\ntouch '/tmp/it'\"'\"'s'\n"),)


def test_files_of_a_configuration_are_written_first():
    data = b"#cloud-config\nwrite_files:\n- path: /etc/ecs/ecs.config\n  content: |\n    A=1\n  permissions: 0600\n  owner: root:root\n"
    (script,) = parse_user_data(data).once
    lines = script.content.decode().splitlines()
    assert script.name < "part-001"
    assert lines[0] == "#!/bin/sh"
    assert lines[1:] == [
        "mkdir -p /etc/ecs",
        f"echo {base64.b64encode(b'A=1' + bytes([10])).decode()} | base64 -d >/etc/ecs/ecs.config",
        "chmod 600 /etc/ecs/ecs.config",
        "chown root:root /etc/ecs/ecs.config",
    ]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"just some text", "must begin with"),
        (b"#include\nhttp://example.com/script", "#include"),
        (b"#cloud-boothook\necho", "#cloud-boothook"),
        (b"## template: jinja\n#cloud-config\n", "jinja"),
        (b"#cloud-config\npackages: [nginx]", "'packages' is not supported"),
        (b"#cloud-config\nruncmd: echo", "must be a list"),
        (b"#cloud-config\nruncmd:\n- {a: b}", "string or a list"),
        (b"#cloud-config\n- a", "must be a mapping"),
        (b"#cloud-config\n{", "not YAML"),
        (b"#cloud-config\nwrite_files:\n- content: x", "absolute path"),
        (b"#cloud-config\nwrite_files:\n- {path: /a, defer: true}", "'defer' is not supported"),
        (b"#cloud-config\nwrite_files:\n- {path: /a, permissions: rwx}", "no octal number"),
        (b"#cloud-config\nwrite_files:\n- {path: /a, content: a, encoding: b64}", "not base64"),
        (b"#cloud-config\nwrite_files:\n- {path: /a, encoding: rot13}", "rot13"),
        (archive(("cloud-boothook", "#!/bin/sh")), "text/cloud-boothook"),
        (archive(("x-shellscript", "echo")), "does not begin with #!"),
    ],
)
def test_what_could_not_be_done_is_refused(data: bytes, words: str):
    with pytest.raises(UnsupportedUserData, match=words):
        parse_user_data(data)


@given(st.binary(max_size=300) | st.binary(max_size=200).map(lambda b: b"#cloud-config\n" + b))
def test_any_bytes_are_taken_or_refused(data: bytes):
    with suppress(UnsupportedUserData):
        found = parse_user_data(data)
        assert all(script.content.startswith(b"#!") for script in (*found.always, *found.once))
