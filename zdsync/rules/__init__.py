"""The rules language: text of `rules.yaml` → compiled rules. Pure: runs SQL only by a function
that is passed in, reads no file, no clock, no mirror.
"""

from zdsync.rules.agreement import Asked
from zdsync.rules.compiled import CompiledRule, fold_columns
from zdsync.rules.examples import check_patterns, run_examples
from zdsync.rules.folding import fold, needs_python, searchable, searchable_in_sql
from zdsync.rules.hidden import silent_truths
from zdsync.rules.judge import fresh, judge_rule
from zdsync.rules.limits import Limits
from zdsync.rules.load import Loaded, Rule, RuleFile, compile_rule, load_rules
from zdsync.rules.never import never_match
from zdsync.rules.outcome import lowers
from zdsync.rules.reads import folded, readers_of
from zdsync.rules.stored import lacking

__all__ = [
    "Asked",
    "CompiledRule",
    "Limits",
    "Loaded",
    "Rule",
    "RuleFile",
    "check_patterns",
    "compile_rule",
    "fold",
    "fold_columns",
    "folded",
    "fresh",
    "judge_rule",
    "lacking",
    "load_rules",
    "lowers",
    "needs_python",
    "never_match",
    "readers_of",
    "run_examples",
    "searchable",
    "searchable_in_sql",
    "silent_truths",
]
