"""
What the node must still know after kill -9: one SQLite file.

Only the node writes here.  Commits are not flushed to the disk one by one (synchronous=NORMAL):
killing the process loses nothing, and a power cut takes the containers with it anyway.
"""

import secrets
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from homeport.node.balancing.records import BalancerRecord, TargetRecord
from homeport.node.checks.verdict import Verdict
from homeport.node.instances.model import InstanceState
from homeport.node.tasks.model import TaskState
from homeport.wire.messages import (
    Drop,
    Eni,
    Instance,
    InstanceObserved,
    Item,
    LogTarget,
    Observed,
    Task,
    Vpc,
    Welcome,
)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS items (
  kind TEXT NOT NULL, id TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY (kind, id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tasks (id TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS instances (id TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS checks (id TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS balancers (id TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS targets (id TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS log_sources (id TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
"""

_CHECKPOINT_PAGES = 4000  # the WAL is copied back, and the disk waited for, this seldom


class TaskRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    A task as the node remembers it.

    It holds its own copy of what it was declared with: the assignment may drop those items while
    the task's containers still have to be stopped.
    """

    spec: Task
    state: TaskState
    observed: Observed
    acked: int = 0  # the highest observation the server has recorded
    eni: Eni | None = None
    vpc: Vpc | None = None


class InstanceRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An instance as the node remembers it, with its own copy of what it was declared with."""

    spec: Instance
    state: InstanceState
    observed: InstanceObserved
    acked: int = 0  # the highest observation the server has recorded
    enis: tuple[Eni, ...] = ()  # attached to it, by device number
    vpc: Vpc | None = None


class LogSource(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    One container's output and how much of it the server holds.

    `base` is where reading resumes: the last place before `offset` at which no line was half read.
    """

    id: str
    path: str
    target: LogTarget
    offset: int = 0
    base: int = 0
    ended: bool = False  # nothing will be written any more


@dataclass(frozen=True, slots=True)
class Saved:
    """Everything the node remembers."""

    items: tuple[Item, ...]
    tasks: tuple[TaskRecord, ...]
    instances: tuple[InstanceRecord, ...]
    balancers: tuple[BalancerRecord, ...]
    targets: tuple[TargetRecord, ...]
    sources: tuple[LogSource, ...]
    welcome: Welcome | None
    verdicts: Mapping[str, Verdict]


_encode = msgspec.json.Encoder().encode
_item: "msgspec.json.Decoder[Item]" = msgspec.json.Decoder(Item)
_task = msgspec.json.Decoder(TaskRecord)
_instance = msgspec.json.Decoder(InstanceRecord)
_balancer = msgspec.json.Decoder(BalancerRecord)
_target = msgspec.json.Decoder(TargetRecord)
_source = msgspec.json.Decoder(LogSource)
_verdict = msgspec.json.Decoder(Verdict)
_welcome = msgspec.json.Decoder(Welcome)


class NodeStore:
    """The file.  Every method is one transaction."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        self._db.close()

    def load(self) -> Saved:
        """Return what was remembered."""
        welcome = self._db.execute("SELECT body FROM meta WHERE name = 'welcome'").fetchone()
        return Saved(
            items=tuple(_item.decode(body) for (body,) in self._db.execute("SELECT body FROM items")),
            tasks=tuple(_task.decode(body) for (body,) in self._db.execute("SELECT body FROM tasks")),
            instances=tuple(_instance.decode(body) for (body,) in self._db.execute("SELECT body FROM instances")),
            balancers=tuple(_balancer.decode(body) for (body,) in self._db.execute("SELECT body FROM balancers")),
            targets=tuple(_target.decode(body) for (body,) in self._db.execute("SELECT body FROM targets")),
            sources=tuple(_source.decode(body) for (body,) in self._db.execute("SELECT body FROM log_sources")),
            verdicts={id_: _verdict.decode(body) for id_, body in self._db.execute("SELECT id, body FROM checks")},
            welcome=_welcome.decode(welcome[0]) if welcome is not None else None,
        )

    def save_welcome(self, welcome: Welcome) -> None:
        self._db.execute("INSERT OR REPLACE INTO meta (name, body) VALUES ('welcome', ?)", (_encode(welcome),))

    def secret(self, name: str) -> bytes:
        """Return 32 random bytes, the same ones for a name whenever they are asked for."""
        self._db.execute("INSERT OR IGNORE INTO meta (name, body) VALUES (?, ?)", (name, secrets.token_bytes(32)))
        found: bytes = self._db.execute("SELECT body FROM meta WHERE name = ?", (name,)).fetchone()[0]
        return found

    def replace_items(self, items: Iterable[Item]) -> None:
        """Remember *items* as the whole assignment."""
        with _Transaction(self._db):
            self._db.execute("DELETE FROM items")
            self._put_items(items)

    def change_items(self, puts: Iterable[Item], drops: Iterable[Drop]) -> None:
        """Remember a change of the assignment."""
        with _Transaction(self._db):
            self._db.executemany("DELETE FROM items WHERE kind = ? AND id = ?", ((d.kind, d.id) for d in drops))
            self._put_items(puts)

    def _put_items(self, items: Iterable[Item]) -> None:
        self._db.executemany(
            "INSERT OR REPLACE INTO items (kind, id, body) VALUES (?, ?, ?)",
            ((type(item).__name__, item.id, _encode(item)) for item in items),
        )

    def save_tasks(self, records: Mapping[str, TaskRecord | None]) -> None:
        """Remember tasks as they are now; None forgets one."""
        self._save("tasks", records)

    def save_instances(self, records: Mapping[str, InstanceRecord | None]) -> None:
        """Remember instances as they are now; None forgets one."""
        self._save("instances", records)

    def save_verdicts(self, verdicts: Mapping[str, Verdict | None]) -> None:
        """Remember what health checks have come to; None forgets one."""
        self._save("checks", verdicts)

    def save_balancers(self, records: Mapping[str, BalancerRecord | None]) -> None:
        """Remember load balancers as they are now; None forgets one."""
        self._save("balancers", records)

    def save_targets(self, records: Mapping[str, TargetRecord | None]) -> None:
        """Remember targets as they are now; None forgets one."""
        self._save("targets", records)

    def save_sources(self, sources: Mapping[str, LogSource | None]) -> None:
        """Remember how far output has been shipped; None forgets a source."""
        self._save("log_sources", sources)

    def _save(self, table: str, records: Mapping[str, msgspec.Struct | None]) -> None:
        with _Transaction(self._db):
            for id_, record in records.items():
                if record is None:
                    self._db.execute(f"DELETE FROM {table} WHERE id = ?", (id_,))
                else:
                    self._db.execute(f"INSERT OR REPLACE INTO {table} (id, body) VALUES (?, ?)", (id_, _encode(record)))


class _Transaction:
    """All or nothing; several statements cost one commit."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, *_: object) -> None:
        self._db.execute("COMMIT" if kind is None else "ROLLBACK")
