"""Fitting: once, on one sample of train customers, on nothing later than the fit cut-off."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from configs.settings.features import FeaturesSettings, Group
from training_jobs.features import generators as _generators
from training_jobs.features import tensors as _tensors
from training_jobs.features.cut import CutView, Limits, cut
from training_jobs.features.errors import FeatureError
from training_jobs.features.generator import (
    Bank,
    Column,
    Fitted,
    FloatArray,
    TensorView,
)
from training_jobs.features.model import (
    Clock,
    FeatureModel,
    MadeGroup,
    MadeTensor,
    Statistics,
    check_produced,
    check_values,
    view_values,
)
from training_jobs.features.reading import Place
from training_jobs.features.registry import GENERATORS, TENSORS
from training_jobs.features.requirements import unmet
from training_jobs.features.sources import Sources

__all__ = ["fit", "fit_sample", "log_value"]
NOTHING_GIVEN: Mapping[str, Fitted] = MappingProxyType({})
NOTHING_VARIES = "no column varies up to the fit cut-off"
REGISTERED = (_generators, _tensors)
"""Importing these packages is what fills the registries."""


def fit_sample(customers: Sequence[str], *, most: int, salt: str) -> list[str]:
    """Return at most `most` customers, chosen by hash, in the order of their ids."""
    if len(customers) <= most:
        return sorted(customers)

    def key(customer: str) -> tuple[bytes, str]:
        return hashlib.md5(f"{salt}:{customer}".encode(), usedforsecurity=False).digest(), customer

    return sorted(sorted(customers, key=key)[:most])


def fit(
    sources: Sources,
    *,
    customers: Sequence[str],
    cutoff: date,
    bank: Bank,
    settings: FeaturesSettings,
    clock: Clock,
    given: Mapping[str, Fitted] = NOTHING_GIVEN,
) -> FeatureModel:
    """Fit every input on `customers` at `cutoff`.

    Args:
        sources: where the tables are.
        customers: the fit sample.
        cutoff: the fit cut-off.
        bank: what is known of the bank.
        settings: the inputs.
        clock: takes the seconds of each input.
        given: parameters of groups that an earlier stage fitted in the same way.

    Raises:
        FeatureError: there is no customer to fit on, or a generator broke its declaration.
    """
    if not customers:
        raise FeatureError(
            f"no train customer is observed at the fit cut-off {cutoff}",
            remedy="move the first train month of the data set to where customers are observed",
        )
    limits = Limits(settings.memory, settings.threads)
    with cut(
        sources,
        customers=customers,
        as_of=cutoff,
        lookback_months=bank.lookback_months,
        limits=limits,
    ) as view:
        groups: list[MadeGroup] = []
        tensors: list[MadeTensor] = []
        absent: dict[str, str] = {}
        for item in settings.tensors:
            if off := unmet(item, view, bank):
                absent[item.name] = off.reason
                continue
            with clock.of(item.name):
                tensor = TENSORS.build(item.generator, item.parameters, bank)
                tensors.append(MadeTensor(item, tensor, tensor.fit(view)))
        for group in settings.groups:
            with clock.of(group.name):
                made, reason = _fit_group(group, view, bank, tensors, given.get(group.name))
            if made is None:
                absent[group.name] = reason
            else:
                groups.append(made)
    return FeatureModel(bank, tuple(groups), tuple(tensors), absent)


def _fit_group(
    group: Group,
    view: CutView,
    bank: Bank,
    tensors: Sequence[MadeTensor],
    given: Fitted | None,
) -> tuple[MadeGroup | None, str]:
    if off := unmet(group, view, bank):
        return None, off.reason
    generator = GENERATORS.build(group.generator, group.parameters, bank)
    places: tuple[Place, ...] = ()
    fitted = Fitted()
    if isinstance(generator, TensorView):
        item = next((made for made in tensors if made.settings.name == generator.tensor), None)
        if item is None:
            return None, f"needs the side tensor '{generator.tensor}', which is absent"
        declared = tuple(column for column, _ in generator.columns())
        places = tuple(place for _, place in generator.columns())
        produced = view_values(item, item.tensor.transform(view, item.fitted), places)
    else:
        fitted = given if given is not None else generator.fit(view)
        declared = generator.columns(fitted)
        tally = generator.tally(view, fitted) if generator.tallies else None
        produced = generator.transform(view, fitted.at(tally))
    _check_width(group, declared)
    check_produced(group.name, declared, produced, rows=view.rows)
    dropped = {
        column.name: reason
        for place, column in enumerate(declared)
        if (reason := _useless(produced[:, place]))
    }
    kept = tuple(place for place, column in enumerate(declared) if column.name not in dropped)
    if not kept:
        return None, NOTHING_VARIES
    columns = [declared[place] for place in kept]
    check_values(group.name, columns, produced[:, list(kept)])
    statistics = tuple(_statistics(declared[place], produced[:, place]) for place in kept)
    return MadeGroup(group, generator, fitted, declared, kept, dropped, statistics, places), ""


def _check_width(group: Group, declared: Sequence[Column]) -> None:
    names = [column.name for column in declared]
    if len(set(names)) != len(names):
        raise FeatureError(
            f"group '{group.name}' declares a column twice", remedy="mend the generator"
        )
    if group.follows is None and len(declared) != group.columns:
        raise FeatureError(
            f"group '{group.name}' declares {len(declared)} columns, feature_groups.yaml says "
            f"{group.columns}",
            remedy="mend the generator or its entry in feature_groups.yaml",
        )


def _useless(values: FloatArray) -> str:
    """Return why a column cannot be used, '' if it can."""
    if np.isinf(values).any():
        return "not finite"
    present = values[~np.isnan(values)]
    if not len(present):
        return "missing for everyone"
    return "the same for everyone" if (present == present[0]).all() else ""


def log_value(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return sign(x) * log(1 + |x|): what replaces a power-law column when it is scaled."""
    return np.asarray(np.sign(values) * np.log1p(np.abs(values)), np.float64)


def _statistics(column: Column, values: FloatArray) -> Statistics:
    present = np.sort(values[~np.isnan(values)].astype(np.float64))
    scaled = log_value(present) if column.log else present
    # Sorted first, so that the sums do not depend on the order of the customers.
    sd = float(np.std(scaled))
    return Statistics(
        mean=float(np.mean(scaled)),
        sd=sd if sd > 0 else 1.0,
        median=float(np.median(present)),
        missing=float(1 - len(present) / len(values)),
    )
