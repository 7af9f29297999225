"""Made-up values that a tool takes, as a person would write them."""

from ._making import Sample, sample_arguments, sample_static
from ._numbers import Limits, plain
from ._values import Values

__all__ = ["Limits", "Sample", "Values", "plain", "sample_arguments", "sample_static"]
