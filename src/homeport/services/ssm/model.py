"""What the Parameter Store is made of."""

from dataclasses import dataclass

STRING = "String"
STRING_LIST = "StringList"
SECURE_STRING = "SecureString"
STANDARD = "Standard"
TEXT = "text"
IMAGE = "aws:ec2:image"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One version of a parameter.  `public` ones are AWS's: no account is in their ARNs."""

    name: str
    version: int
    type: str
    value: str
    description: str
    modified: float
    modified_by: str
    data_type: str = TEXT
    public: bool = False
