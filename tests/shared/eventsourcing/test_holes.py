from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from shared.eventsourcing.holes import RANGES_LIMIT, Hole, Holes


def test_a_late_arrival_splits_its_hole() -> None:
    holes = Holes()
    holes.found([1, 10], oldest_running=5)
    holes.fence(7)
    holes.found([4, 5], oldest_running=6)
    assert holes.ranges == [Hole(2, 3, 7), Hole(6, 9, 7)]
    assert holes.settled == 1


def test_a_hole_dies_only_when_everyone_who_ran_has_ended() -> None:
    holes = Holes()
    holes.found([2], oldest_running=5)
    assert holes.unfenced
    holes.fence(9)
    holes.found([], oldest_running=8)
    assert holes.settled == 0
    holes.found([], oldest_running=9)
    assert (holes.settled, holes.ranges) == (2, [])


def test_a_hole_is_never_given_up_by_the_look_that_found_it() -> None:
    holes = Holes()
    holes.found([2], oldest_running=1_000_000)
    assert holes.ranges == [Hole(1, 1, None)]


def test_too_many_ranges_become_one_that_is_as_young_as_the_youngest() -> None:
    holes = Holes()
    holes.found(list(range(2, 2 * RANGES_LIMIT + 4, 2)), oldest_running=0)
    assert holes.ranges == [Hole(1, 2 * RANGES_LIMIT + 1, None)]


@dataclass
class Transaction:
    """A writer in a model of PostgreSQL."""

    number: int
    positions: list[int] = field(default_factory=list)


class LateCommits(RuleBasedStateMachine):
    """Writers draw, commit and roll back in any order while a sequencer looks: every committed position is found
    exactly once, and nothing is called settled that can still be committed."""

    writers = Bundle("writers")

    def __init__(self) -> None:
        super().__init__()
        self.next_id, self.next_position = 1, 1
        self.running: set[int] = set()
        self.open: list[Transaction] = []
        self.committed: set[int] = set()
        self.found: list[int] = []
        self.holes = Holes()

    def new_id(self) -> int:
        self.next_id += 1
        return self.next_id - 1

    def oldest_running(self) -> int:
        return min(self.running, default=self.next_id)

    @rule(target=writers)
    def begin(self) -> Transaction:
        writer = Transaction(self.new_id())
        self.running.add(writer.number)
        self.open.append(writer)
        return writer

    @rule(writer=writers, count=st.integers(1, 3))
    def draw(self, writer: Transaction, count: int) -> None:
        if writer.number in self.running:
            writer.positions += range(self.next_position, self.next_position + count)
            self.next_position += count

    @rule(writer=consumes(writers), commits=st.booleans())
    def end(self, writer: Transaction, commits: bool) -> None:
        self.running.discard(writer.number)
        self.open.remove(writer)
        if commits:
            self.committed.update(writer.positions)

    @rule(limit=st.integers(1, 4))
    def look(self, limit: int) -> None:
        oldest = self.oldest_running()
        beyond = sorted(position for position in self.committed if position > self.holes.frontier)[:limit]
        late = [
            position
            for hole in self.holes.ranges
            for position in range(hole.first, hole.last + 1)
            if position in self.committed and position not in self.found
        ][:limit]
        self.found += late + beyond
        self.holes.found(sorted(late + beyond), oldest if len(late) < limit else 0)
        if self.holes.unfenced:
            self.holes.fence(self.new_id())

    @invariant()
    def nothing_is_found_twice(self) -> None:
        assert len(self.found) == len(set(self.found))

    @invariant()
    def what_is_settled_is_final(self) -> None:
        assert all(position in self.found for position in self.committed if position <= self.holes.settled)
        assert all(position > self.holes.settled for writer in self.open for position in writer.positions)

    def teardown(self) -> None:
        for writer in self.open:
            self.committed.update(writer.positions)
        self.running.clear()
        self.open = []
        for _ in range(len(self.committed) + 2):
            self.look(4)
        assert set(self.found) == self.committed


TestLateCommits = LateCommits.TestCase
TestLateCommits.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
