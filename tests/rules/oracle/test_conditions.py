"""Compiled conditions against the second implementation.

`ORACLE_EXAMPLES=5000` makes a great run of it: about a million pairs of condition and record.
"""

from __future__ import annotations

import os

import hypothesis
from hypothesis import given

from tests.rules.oracle.bench import disagreement
from tests.rules.oracle.draw import Case, cases
from tests.rules.world import duck

QUERY = duck()
EXAMPLES = int(os.environ.get("ORACLE_EXAMPLES", "80"))
many = hypothesis.settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="ORACLE_EXAMPLES" not in os.environ,
    suppress_health_check=list(hypothesis.HealthCheck),
    print_blob=True,
)


@many
@given(cases(records=40))
def test_compiled_conditions_equal_the_second_implementation(case: Case) -> None:
    found = disagreement(case, QUERY)
    assert found is None, found
