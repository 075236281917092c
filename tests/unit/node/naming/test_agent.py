"""What a node makes of names that the server says, and what it remembers of them."""

from pathlib import Path

from tests.unit.node.naming.saying import ask, records, said, zone
from tests.unit.node.virtual import virtual
from tests.unit.node.world import VPC, World

from homeport.node.naming.zones import Names
from homeport.node.store import NodeStore
from homeport.wire.messages import NamesTaken

WWW = records("Z1", "www.example.com.", "A", "192.0.2.1")


@virtual
async def test_a_change_is_answered_at_once_and_remembered_by_a_node_that_has_crashed(tmp_path: Path):
    world = await World(tmp_path).start()
    world.put(*zone("Z1", "example.com."), WWW)
    assert said(ask(world.agent.names, "www.example.com"))
    await world.crash()
    store = NodeStore(world.config().state / "node.db")
    remembered = store.load().items
    store.close()
    assert said(ask(Names(remembered), "www.example.com"))


@virtual
async def test_a_whole_assignment_without_a_name_ends_it(tmp_path: Path):
    world = await World(tmp_path).start()
    world.put(*zone("Z1", "example.com."), WWW)
    await world.crash()
    world.items.clear()
    await world.start()
    assert ask(world.agent.names, "www.example.com").elsewhere is not None


@virtual
async def test_the_node_says_which_changes_of_names_it_goes_by(tmp_path: Path):
    world = await World(tmp_path).start()
    world.put(*zone("Z1", "example.com."), WWW)
    with_names = world.generation
    world.put(VPC)
    world.drop(WWW)
    said_ = [message.generation for message in world.sent if isinstance(message, NamesTaken)]
    assert said_ == [0, with_names, world.generation]
