"""Who is calling: verifiers of the webhook's sender."""

from ._delivery import Delivery, Verifier
from ._secrets import SharedSecret

__all__ = ["Delivery", "SharedSecret", "Verifier"]
