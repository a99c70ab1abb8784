"""What an input needs of a bank: the one rule, for Phase 0 and for the check before it."""

from configs.settings.features import FeatureInput
from training_jobs.absence import Off
from training_jobs.features.cut import COLUMNS, CutView
from training_jobs.features.errors import FeatureError
from training_jobs.features.generator import Bank

CATALOGUE, CATEGORY_TREE = "products", "categories"
"""The requirements that are met by the catalogue and the tree, not by rows of the view."""


def unmet(item: FeatureInput, view: CutView, bank: Bank) -> Off | None:
    """Return why a group or side tensor cannot be made, None if it can.

    Args:
        item: the group or side tensor.
        view: the fit sample at the fit cut-off.
        bank: what is known of the bank.

    Raises:
        FeatureError: it requires what no canonical table can hold.
    """
    if not item.enabled:
        return Off(
            "switched off in feature_groups.yaml",
            "set enabled: true on it in configs/feature_groups.yaml",
        )
    for requirement in item.requires:
        if requirement == CATALOGUE:
            if not bank.products:
                return Off(
                    "needs products: the data set has no catalogue",
                    "write configs/products/<bank>.yaml and name it under catalogue",
                )
            continue
        if requirement == CATEGORY_TREE:
            if not bank.parents:
                return Off(
                    "needs categories: the data set has no category tree",
                    "write configs/datasets/categories/<bank>.yaml and name it under categories",
                )
            continue
        table, _, column = requirement.partition(".")
        if table not in COLUMNS or (column and column not in COLUMNS[table]):
            raise FeatureError(
                f"'{item.name}' requires '{requirement}', which no canonical table holds",
                remedy="name a table or table.column of the canonical tables",
            )
        found = view.query(f"SELECT count({column or '*'}) AS present FROM {table}")
        if not found["present"][0]:
            return Off(
                f"needs {requirement}: no value up to the fit cut-off",
                f"supply {requirement} up to {view.as_of} by tables.{table} in the data set's YAML",
            )
    return None
