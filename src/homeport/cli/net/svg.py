"""
A drawing as SVG text.  Pure.

Paper, ink and tints follow the reader's preference for light or dark.  A group is
known by its number, too, so that nothing depends on telling colours apart.
"""

from xml.sax.saxutils import escape

from homeport.cli.net.blocks import SIZES, Box, Dot, Line, Mark, Text
from homeport.cli.net.layout import Drawing

#: Colours for groups, distinct also for those who do not see red or green apart; then they begin again.
PALETTE = ("#0072b2", "#c24e00", "#00845f", "#b0578d", "#a87400", "#3d86b8", "#7161b5", "#77612e")

_STYLE = """\
text { font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; fill: #1f2328; }
.title { font-weight: 700; } .strong { font-weight: 600; }
text.muted { fill: #59636e; }
text.number { fill: #ffffff; font-weight: 700; text-anchor: middle; }
.paper { fill: #ffffff; }
.box { stroke-width: 1; }
.vpc { fill: #f6f8fa; stroke: #8c959f; }
.subnet { fill: #eaf3fb; stroke: #9cc3e4; }
.instance { fill: #fdf3dd; stroke: #c08a2b; }
.eni, .gateway { fill: #cdeee0; stroke: #00845f; }
.trunk { fill: #e2dcf6; stroke: #7161b5; }
.docker { fill: #cfe5f6; stroke: #3d86b8; }
.awsvpc, .bridge, .host { fill: #ffffff; stroke: #8c959f; }
.none { fill: #ffffff; stroke: #8c959f; stroke-dasharray: 4 3; }
line { stroke-width: 2; }
line.wire { stroke: #00845f; stroke-width: 1.5; }
line.subnet { stroke: #00845f; stroke-width: 3; }
line.docker { stroke: #3d86b8; } line.trunk { stroke: #7161b5; }
line.nat { stroke: #3d86b8; stroke-dasharray: 2 2; }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3; } text.muted { fill: #9da7b1; } .paper { fill: #0d1117; }
.vpc { fill: #151b23; } .subnet { fill: #11202e; } .instance { fill: #2b2413; }
.eni, .gateway { fill: #0f3a2c; } .trunk { fill: #2a2450; } .docker { fill: #12324a; }
.awsvpc, .bridge, .host, .none { fill: #1c2128; }
}
"""


def render(drawing: Drawing) -> str:
    """Return the drawing as an SVG document."""
    width, height = _number(drawing.width), _number(drawing.height)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"',
        '     role="img" aria-labelledby="title description">',
        f'<title id="title">{escape(drawing.title)}</title>',
        f'<desc id="description">{escape(drawing.description)}</desc>',
        f"<style>\n{_STYLE}</style>",
        f'<rect class="paper" width="{width}" height="{height}"/>',
        *(_mark(mark) for mark in drawing.marks),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _mark(mark: Mark) -> str:
    match mark:
        case Box(x, y, width, height, kind):
            return (
                f'<rect class="box {kind}" x="{_number(x)}" y="{_number(y)}" width="{_number(width)}" '
                f'height="{_number(height)}" rx="4"/>'
            )
        case Text(x, y, text, kind):
            return f'<text class="{kind}" x="{_number(x)}" y="{_number(y)}" font-size="{SIZES[kind]}">{escape(text)}</text>'
        case Dot(x, y, number):
            colour = PALETTE[(number - 1) % len(PALETTE)]
            return (
                f'<circle cx="{_number(x)}" cy="{_number(y)}" r="8" fill="{colour}"/>'
                f'<text class="number" x="{_number(x)}" y="{_number(y + 3.5)}" font-size="{SIZES["tag"]}">{number}</text>'
            )
        case Line(x, y, to_x, to_y, kind):
            return (
                f'<line class="{kind}" x1="{_number(x)}" y1="{_number(y)}" x2="{_number(to_x)}" y2="{_number(to_y)}"/>'
            )


def _number(value: float) -> str:
    """Return a length without needless digits, so that files differ only where drawings do."""
    return f"{value:.1f}".removesuffix(".0")
