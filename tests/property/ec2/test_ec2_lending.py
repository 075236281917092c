"""No order of lending and giving back lends an address twice."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from homeport.services.ec2.model import usable
from homeport.services.ec2.store import addresses

from .memory import MemoryStore, run

POOL = "subnet-1"
CIDR = "10.0.0.0/28"
FIRST, LAST = usable(CIDR)


class Lending(RuleBasedStateMachine):
    """Compare the pool with a set of lent addresses."""

    def __init__(self) -> None:
        super().__init__()
        self.tx = MemoryStore()
        self.lent: set[int] = set()
        run(addresses.ensure_pool(self.tx, POOL, CIDR))

    @rule()
    def lend(self) -> None:
        address = run(addresses.lend(self.tx, POOL))
        free = set(range(FIRST, LAST + 1)) - self.lent
        if address is None:
            assert not free
        else:
            assert address in free
            self.lent.add(address)

    @rule(address=st.integers(FIRST, LAST))
    def lend_exactly(self, address: int) -> None:
        assert run(addresses.lend_exactly(self.tx, POOL, address)) is (address not in self.lent)
        self.lent.add(address)

    @rule(data=st.data())
    def give_back(self, data: st.DataObject) -> None:
        if self.lent:
            address = data.draw(st.sampled_from(sorted(self.lent)))
            run(addresses.give_back(self.tx, POOL, address))
            self.lent.remove(address)

    @invariant()
    def counts_agree(self) -> None:
        row = run(self.tx.fetch_one("SELECT lent FROM ec2_address_pools WHERE id = ?", POOL))
        assert row == (len(self.lent),)

    def teardown(self) -> None:
        run(self.tx.close())


Lending.TestCase.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)
TestLending = Lending.TestCase
