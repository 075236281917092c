"""Whatever containers write, and whenever node or server die: no line is lost, doubled or reordered."""

import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.unit.node.virtual import virtual

from homeport.node.logs.lines import MAX_EVENT_BYTES
from homeport.node.logs.source import Source
from homeport.node.store import LogSource
from homeport.wire.messages import LogTarget

TARGET = LogTarget(region="us-east-1", group="g", stream="s")

record = st.tuples(st.sampled_from(("stdout", "stderr")), st.booleans(), st.text("abc \u00e4", max_size=12))
step = st.one_of(
    st.tuples(st.just("write"), st.lists(record, min_size=1, max_size=6)),
    st.tuples(st.just("ship"), st.sampled_from(("acked", "ack lost", "batch lost", "answered twice"))),
    st.tuples(st.just("crash"), st.booleans()),
    st.tuples(st.just("tear"), st.integers(1, 30)),
)


def render(stream: str, whole: bool, text: str, second: int) -> bytes:
    moment = datetime.fromtimestamp(1_700_000_000 + second, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000+00:00")
    return f"{moment} {stream} {'F' if whole else 'P'} {text}\n".encode()


def expected(records: list[tuple[str, bool, str]]) -> dict[str, list[str]]:
    """Return every stream's lines, empty ones left out."""
    lines: dict[str, list[str]] = {"stdout": [], "stderr": []}
    partial = {"stdout": "", "stderr": ""}
    for stream, whole, text in records:
        partial[stream] += text
        if whole:
            lines[stream].append(partial[stream])
            partial[stream] = ""
    for stream, text in partial.items():
        lines[stream].append(text)
    return {stream: [line for line in found if line] for stream, found in lines.items()}


class Server:
    def __init__(self) -> None:
        self.offset = 0
        self.events: list[str] = []

    def take(self, start: int, end: int, events: list[str]) -> int:
        if start == self.offset:
            self.events += events
            self.offset = end
        return self.offset


@pytest.mark.slow
@settings(max_examples=300)
@given(st.lists(step, max_size=25))
def test_every_line_arrives_once_and_in_order(steps):
    with tempfile.TemporaryDirectory() as folder:
        _run(steps, Path(folder, "log"))


@virtual
async def _run(steps, path):
    saved = LogSource(id="t/c", path=str(path), target=TARGET)
    source, server, written = Source(saved), Server(), []
    pending = b""  # of a record that is being written

    def ship(fate: str) -> bool:
        batch, final = source.next_batch(0.0)
        if batch.end == source.saved.offset and not final:
            return False
        start = source.saved.offset
        if fate != "batch lost":
            offset = server.take(start, batch.end, [event.message for event in batch.events])
            if fate == "answered twice":
                offset = server.take(start, batch.end, [event.message for event in batch.events])
            if fate != "ack lost":
                if offset == batch.end:
                    source.advanced(batch)
                else:
                    source.moved(offset)
        return not final or source.saved.offset != batch.end

    with path.open("ab", buffering=0) as file:
        for kind, value in steps:
            match kind:
                case "write":
                    file.write(pending)
                    pending = b""
                    for stream, whole, text in value:
                        written.append((stream, whole, text))
                        file.write(render(stream, whole, text, len(written)))
                case "tear":
                    if not pending:
                        data = render("stdout", True, "torn", len(written))
                        written.append(("stdout", True, "torn"))
                        file.write(data[:value])
                        pending = data[value:]
                case "ship":
                    ship(value)
                case "crash":
                    kept = source.saved
                    source = Source(kept if value else saved)  # the store may have lost it all
        file.write(pending)
    source.saved = replace(source.saved, ended=True)
    while ship("acked"):
        pass
    by_stream = expected(written)
    assert sorted(server.events) == sorted(by_stream["stdout"] + by_stream["stderr"])
    for lines in by_stream.values():
        remaining = iter(server.events)
        assert all(line in remaining for line in lines)


@virtual
async def test_a_line_without_end_is_cut_and_not_lost(tmp_path):
    path = tmp_path / "log"
    piece = "x" * 8000
    path.write_bytes(b"".join(render("stdout", False, piece, n) for n in range(100)))
    source = Source(LogSource(id="t/c", path=str(path), target=TARGET, ended=True))
    batch, final = source.next_batch(0.0)
    assert final
    assert "".join(event.message for event in batch.events) == piece * 100
    assert all(len(event.message) <= MAX_EVENT_BYTES for event in batch.events)
    assert [len(event.message) // len(piece) for event in batch.events] == [32, 32, 32, 4]


@virtual
async def test_a_cut_line_keeps_its_characters(tmp_path):
    path = tmp_path / "log"
    text = "\u20ac" * 200_000  # three bytes each
    data = text.encode()
    pieces = [data[at : at + 8192] for at in range(0, len(data), 8192)]
    heads = [f"2024-01-01T00:00:00.000000000+00:00 stdout {tag} ".encode() for tag in "PF"]
    path.write_bytes(b"".join(heads[piece is pieces[-1]] + piece + b"\n" for piece in pieces))
    source = Source(LogSource(id="t/c", path=str(path), target=TARGET, ended=True))
    batch, final = source.next_batch(0.0)
    assert final
    assert "".join(event.message for event in batch.events) == text
    assert len(batch.events) == 3


@virtual
async def test_an_event_over_several_lines_waits_for_its_end(tmp_path):
    path = tmp_path / "log"
    target = LogTarget(region="r", group="g", stream="s", multiline_pattern=r"\[\d\d:\d\d")
    lines = ["[10:01 Traceback", "  File", "[10:02 fine"]
    path.write_bytes(b"".join(render("stdout", True, line, n) for n, line in enumerate(lines)))
    source = Source(LogSource(id="t/c", path=str(path), target=target))
    batch, _ = source.next_batch(0.0)
    assert [event.message for event in batch.events] == ["[10:01 Traceback\n  File"]
    source.advanced(batch)
    assert source.next_batch(4.9)[0].events == []
    assert source.wake_at() == 9.9
    batch, _ = source.next_batch(9.9)
    assert [event.message for event in batch.events] == ["[10:02 fine"]


@pytest.mark.slow
@virtual
async def test_batches_keep_the_limits(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b"".join(render("stdout", True, "y" * 100, n % 60) for n in range(25_000)))
    source = Source(LogSource(id="t/c", path=str(path), target=TARGET, ended=True))
    seen, final = 0, False
    while not final:
        batch, final = source.next_batch(0.0)
        assert len(batch.events) <= 10_000
        assert sum(len(e.message) + 26 for e in batch.events) <= 1_048_576
        seen += len(batch.events)
        source.advanced(batch)
        source.give_back()
    assert seen == 25_000
    assert path.stat().st_blocks * 512 < path.stat().st_size / 2  # the disk has it back
