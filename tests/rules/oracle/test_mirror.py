"""The same through a real mirror: rows, views, folded text kept from run to run."""

from __future__ import annotations

import os
from collections.abc import Iterator

import hypothesis
import pytest
from hypothesis import Phase, given

from tests.conftest import FakeClock
from tests.rules.oracle.bench import compiled_rules
from tests.rules.oracle.draw import LISTS, NOW, Case, cases
from tests.rules.oracle.evaluate import World, holds
from tests.rules.oracle.mirrored import GROUPS, as_mirrored, empty, fill, judged
from zdsync.mirror import Mirror


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mirror]:
    path = tmp_path_factory.mktemp("oracle") / "private" / "work.duckdb"
    options = {"sla_tier_field": "SLA_Tier", "crm": "on"}
    with Mirror.open(path, memory="512MB", options=options, clock=FakeClock(NOW)) as opened:
        yield opened


@hypothesis.settings(
    max_examples=int(os.environ.get("ORACLE_EXAMPLES", "80")) // 10,
    deadline=None,
    derandomize="ORACLE_EXAMPLES" not in os.environ,
    phases=(
        Phase.explicit,
        Phase.generate,
    ),  # the assertion names the pair; shrinking takes minutes
    suppress_health_check=list(hypothesis.HealthCheck),
)
@given(cases(records=50, groups=GROUPS))
def test_the_ground_of_a_real_mirror_is_judged_as_the_second_implementation_does(
    mirror: Mirror, case: Case
) -> None:
    records = [as_mirrored(record) for record in case.records]
    world = World(NOW, case.kind_of, LISTS)
    rules = compiled_rules(case)
    empty(mirror)
    fill(mirror, case.records)
    rows = judged(mirror, rules)
    assert rows == judged(mirror, rules)  # from what was folded and kept
    for record, row in zip(records, rows, strict=True):
        for condition, said in zip(case.conditions, row, strict=True):
            assert said is holds(condition, record, world), (condition, record)
