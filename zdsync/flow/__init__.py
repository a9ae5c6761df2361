"""The stages in order over one open mirror: read what rules need, plan, guard, apply.

Knows no command and no screen. Promise 11 starts here: it says which streams are fit to act on.
"""

from zdsync.flow.cut_off import CutOff
from zdsync.flow.evaluating import Evaluator
from zdsync.flow.stages import Flow
from zdsync.flow.writing import Writing

__all__ = ["CutOff", "Evaluator", "Flow", "Writing"]
