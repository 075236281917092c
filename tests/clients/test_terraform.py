"""Terraform with a small configuration: applied, planned again without changes, changed, destroyed."""

import shutil
import warnings
from pathlib import Path

import pytest
from tests.certificates import Authority, pem
from tests.labs import in_lab

CONFIGURATION = Path(__file__).parent / "terraform"
PROVIDER = Path("registry.terraform.io/hashicorp/aws/5.100.0")
MIRRORS = (
    Path.home() / ".terraform.d/plugins",
    Path("/usr/local/share/terraform/plugins"),
    Path("/usr/share/terraform/plugins"),
    Path("/opt/tf-plugins"),
)

pytestmark = [pytest.mark.clients, pytest.mark.slow]

# A plan's exit code is 2 where there is something to change.
SESSION = """
set -eu
terraform init -input=false -no-color
terraform apply -auto-approve -input=false -no-color
echo "== planned again"
terraform plan -detailed-exitcode -input=false -no-color
echo "== changed"
terraform apply -auto-approve -input=false -no-color -var revision=two
terraform plan -detailed-exitcode -input=false -no-color -var revision=two
echo "== destroyed"
terraform destroy -auto-approve -input=false -no-color -var revision=two
"""


def mirror() -> Path:
    """Return the folder that holds the provider, or skip, loudly: nothing is downloaded here."""
    found = next((path for path in MIRRORS if (path / PROVIDER).is_dir()), None)
    if found is None or shutil.which("terraform") is None:
        reason = f"TERRAFORM IS NOT TESTED: it or its provider {PROVIDER} is not on this machine"
        warnings.warn(reason, stacklevel=1)
        pytest.skip(reason)
    return found


def write_certificates(folder: Path) -> None:
    """Write the certificates that the configuration imports, and their keys."""
    authority = Authority()
    for name in ("one", "two"):
        made = authority.issue(f"{name}.example.com")
        (folder / f"{name}.pem").write_bytes(made.body)
        (folder / f"{name}.key").write_bytes(made.key)
    (folder / "authority.pem").write_bytes(pem(authority.certificate))


def test_terraform_applies_and_finds_nothing_left_to_do(tmp_path: Path) -> None:
    """In a lab of its own, so that what a failure leaves is nobody's."""
    settings = tmp_path / "terraformrc"
    settings.write_text(f'provider_installation {{\n  filesystem_mirror {{\n    path = "{mirror()}"\n  }}\n}}\n')
    work = shutil.copytree(CONFIGURATION, tmp_path / "configuration")
    write_certificates(work)
    told = {"TF_CLI_CONFIG_FILE": str(settings), "CHECKPOINT_DISABLE": "1"}
    said = in_lab("bash", "-c", SESSION, timeout=1200, cwd=work, **told)
    applied, _, later = said.partition("== planned again")
    planned, _, later = later.partition("== changed")
    changed, _, destroyed = later.partition("== destroyed")
    assert "Apply complete!" in applied
    assert "No changes." in planned
    assert "1 added" in changed
    assert "No changes." in changed
    assert "Destroy complete!" in destroyed
