"""Variables that the CDK application sets on a function."""

import os

from lambdas.stores.bounded import StoreUnavailable


def required(variable: str) -> str:
    """Return a variable's value. Raises StoreUnavailable naming it when it is not set."""
    value = os.environ.get(variable)
    if not value:
        raise StoreUnavailable(f"{variable} is not set", remedy="deploy the function again")
    return value
