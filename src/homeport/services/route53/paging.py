"""How many things a page has: AWS writes the number as text."""

from homeport.services.route53.errors import InvalidInput


def page_size(max_items: str | None, most: int) -> int:
    """Return the number of items that a page may have, at most *most*."""
    if max_items is None:
        return most
    if not max_items.isascii() or not max_items.isdecimal() or int(max_items[:9]) < 1:
        raise InvalidInput(f"Invalid value for maxitems: '{max_items[:64]}'")  # unconfirmed
    return min(int(max_items[:9]), most)
