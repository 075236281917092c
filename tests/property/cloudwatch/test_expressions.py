"""Whatever somebody writes as an expression: it is refused in words, or comes to series of finite numbers."""

import math
from collections.abc import Mapping

from hypothesis import example, given
from hypothesis import strategies as st

from homeport.services.cloudwatch.expressions.evaluate import FUNCTIONS, Scope, evaluate
from homeport.services.cloudwatch.expressions.syntax import BadExpression, parse

TIMES = (0, 60, 120)
series = st.dictionaries(st.sampled_from(TIMES), st.sampled_from([0.0, 1.0, -2.5, 1e300, 1e-300]))
names = st.sampled_from(["a", "b", "1", "0", "2.5", "'x'", "REPEAT", "LINEAR", *FUNCTIONS])
pieces = names | st.sampled_from(
    ["+", "-", "*", "/", "^", "(", ")", "[", "]", ",", "<", "==", "AND", "OR", "&&", " ", "$"]
)


@st.composite
def well_formed(draw: st.DrawFn, depth: int = 3) -> str:
    """Return an expression that has a form, if not always a meaning."""
    if depth == 0:
        return draw(st.sampled_from(["a", "b", "2", "0", "[a, b]", "METRICS()"]))
    inner = well_formed(draw(st.integers(0, depth - 1)))
    match draw(st.integers(0, 3)):
        case 0:
            return f"({draw(inner)} {draw(st.sampled_from(['+', '-', '*', '/', '^', '>', 'AND']))} {draw(inner)})"
        case 1:
            name = draw(st.sampled_from(sorted(FUNCTIONS)))
            arguments = draw(st.lists(inner, max_size=3))
            return f"{name}({', '.join(arguments)})"
        case 2:
            return f"FILL({draw(inner)}, {draw(st.sampled_from(['REPEAT', 'LINEAR', '0', '1 / 0']))})"
        case _:
            return f"-{draw(inner)}"


def check(text: str, a: Mapping[int, float], b: Mapping[int, float]) -> None:
    try:
        value = evaluate(parse(text), Scope({"a": a, "b": b}, {"a": a, "b": b}, TIMES, 60))
    except BadExpression:
        return
    if isinstance(value, float):
        assert math.isfinite(value)
        return
    for one in value if isinstance(value, list) else [value]:
        assert set(one) <= set(TIMES)
        assert all(math.isfinite(number) for number in one.values())


@given(st.lists(pieces, max_size=12).map("".join), series, series)
def test_what_has_no_form_is_refused(text: str, a: dict[int, float], b: dict[int, float]) -> None:
    check(text, a, b)


@example("STDDEV(a)", {0: 1e300, 60: 0.0}, {})
@example("RUNNING_SUM(a * 100000000)", {0: 1e300, 60: 1e300}, {})
@given(well_formed(), series, series)
def test_what_has_a_form_comes_to_finite_numbers(text: str, a: dict[int, float], b: dict[int, float]) -> None:
    check(text, a, b)
