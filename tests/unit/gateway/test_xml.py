"""XML as the gateway writes it survives a reader."""

from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from homeport.gateway.protocols import xml

xml_text = st.text(
    alphabet=st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")
    | st.sampled_from("\t\r\n")
)


@given(xml_text)
def test_text_and_attributes_come_back_as_they_were(value: str) -> None:
    root = ET.fromstring(f"<a b={xml.attribute(value)}>{xml.text(value)}</a>")
    assert (root.text or "") == value
    assert root.attrib["b"] == value
    ours = xml.parse(f"<a>{xml.text(value)}</a>".encode())
    assert ours.text == value


def test_what_xml_cannot_carry_is_replaced() -> None:
    assert xml.text("a\x00b\ufffe") == "a\ufffdb\ufffd"
