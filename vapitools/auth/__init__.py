"""Who is calling: verifiers of the webhook's sender."""

from ._delivery import Delivery, Verifier, delivery_headers
from ._networks import OnlyFrom
from ._oauth2 import OAuth2
from ._secrets import BearerToken, SharedSecret
from ._several import AllOf, AnyOf
from ._signatures import HmacSignature

__all__ = [
    "AllOf",
    "AnyOf",
    "BearerToken",
    "Delivery",
    "HmacSignature",
    "OAuth2",
    "OnlyFrom",
    "SharedSecret",
    "Verifier",
    "delivery_headers",
]
