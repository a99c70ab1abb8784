"""Group 11: the customer in the customer-merchant-product graph, inductive through merchants."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from configs.settings.generators.graph import GraphCollaborativeParameters
from training_jobs.features.circles import circles, favourites
from training_jobs.features.cut import CutView
from training_jobs.features.errors import FeatureError
from training_jobs.features.generator import Bank, Column, Fitted, FloatArray, Generator
from training_jobs.features.generators.holdings import holdings_history
from training_jobs.features.graph_counts import Own, Sizes, counted, unpacked
from training_jobs.features.item_embedding import item_embeddings, normalised
from training_jobs.features.neighbours import circle_messages, density, item_messages
from training_jobs.features.registry import GENERATORS
from training_jobs.features.visits import item_families, item_vocabulary, presence, visit_counts
from training_jobs.features.vocabulary import safe_names


@GENERATORS.register("graph_collaborative")
class GraphCollaborative(Generator[GraphCollaborativeParameters]):
    """What those who use the same merchants hold and take up, and where the customer stands.

    Fitted and frozen: the vocabulary of merchants, their categories and embeddings. State, counted
    anew at each `as_of` over all its customers (`tally`): visitors of each merchant, holders and
    recent takers of each product among them, members and takers of each close circle. A customer
    never seen before reads the same counts through its own merchants.
    """

    tallies: ClassVar[bool] = True

    def __init__(self, parameters: GraphCollaborativeParameters, bank: Bank) -> None:
        super().__init__(parameters, bank)
        self._codes = [product.code for product in bank.products]
        self._groups = sorted({product.group for product in bank.products})
        self._of_group = np.array(
            [[product.group == group for group in self._groups] for product in bank.products], bool
        ).reshape(len(self._codes), len(self._groups))

    def fit(self, view: CutView) -> Fitted:
        """Learn the vocabulary, the family and the embedding of its items."""
        kind, items = item_vocabulary(
            view,
            instead=self.parameters.without_merchants,
            most=self.parameters.max_items,
            least_customers=self.parameters.min_customers,
        )
        visits = presence(visit_counts(view, self.bank, kind=kind, items=items))
        by_id = np.array(sorted(range(view.rows), key=view.customers.__getitem__), np.int64)
        embedding = self.parameters.embedding
        points = item_embeddings(
            visits[by_id],
            width=embedding.width,
            layers=embedding.layers,
            rounds=embedding.rounds,
            seed=embedding.seed,
        )
        degrees = np.bincount(visits.indices, minlength=len(items)).astype(np.int64)
        families = np.array(item_families(view, kind=kind, items=items), np.int64)
        return Fitted(
            {"kind": kind, "items": items},
            {"points": points, "degrees": degrees, "families": families},
        )

    def columns(self, fitted: Fitted) -> tuple[Column, ...]:
        """Declare two columns a product, one a product group, and the rest."""
        del fitted
        names = [
            *safe_names("neighbours_hold_", self._codes),
            *safe_names("neighbours_take_", self._codes),
            "circle_size",
            "circle_take_any",
            *safe_names("circle_take_group_", self._groups),
            *(f"community_{number}" for number in range(1, self.parameters.embedding.width + 1)),
            "graph_degree",
            "graph_density",
        ]
        return tuple(Column(name) for name in names)

    def tally(self, view: CutView, fitted: Fitted) -> NDArray[np.int64]:
        """Return the counts of the view's customers as one flat array, see `graph_counts`."""
        own = self._own(view, fitted)
        return counted(own, presence(own.visits)).flat()

    def transform(self, view: CutView, fitted: Fitted) -> FloatArray:
        """Return shape (view.rows, 2 x products + groups + width + 4).

        Raises:
            FeatureError: the counts of the view's `as_of` were not handed in.
        """
        if fitted.tally is None:
            raise FeatureError(
                f"graph_collaborative: no counts of the neighbours at {view.as_of}",
                remedy="tally all customers of the as_of first (training_jobs.features.shards)",
            )
        own = self._own(view, fitted)
        counts = unpacked(fitted.tally, self._sizes(fitted))
        ties = normalised(presence(own.visits), fitted.arrays["degrees"])
        touched = np.diff(own.visits.indptr)
        held = own.at_items[:, 1 : 1 + len(self._codes)]
        blocks = [
            item_messages(own, counts, fitted.arrays["families"]),
            circle_messages(own, counts, prior=self.parameters.circles.prior),
            np.where(touched[:, None] > 0, ties @ fitted.arrays["points"], np.nan),
            (touched + held.sum(axis=1))[:, None],
            density(own, counts)[:, None],
        ]
        return np.concatenate(blocks, axis=1).astype(np.float32)

    def _sizes(self, fitted: Fitted) -> Sizes:
        return Sizes(
            items=len(fitted.values["items"]),
            circles=1 << self.parameters.circles.bits,
            products=len(self._codes),
            groups=len(self._groups),
        )

    def _own(self, view: CutView, fitted: Fitted) -> Own:
        items = list(fitted.values["items"])
        visits = visit_counts(view, self.bank, kind=fitted.values["kind"], items=items)
        history = holdings_history(view, self.bank)
        acquired = history.acquired
        recent = np.asarray(acquired[:, : self.parameters.recent_months].any(axis=1), bool)
        lately = np.asarray(acquired[:, : self.parameters.circles.months].any(axis=1), bool)
        of_groups = [
            lately[:, self._of_group[:, group]].any(axis=1) for group in range(len(self._groups))
        ]
        one = np.ones(view.rows, np.int64)
        circle = self.parameters.circles
        table = favourites(visits, most=circle.favourites)
        return Own(
            visits=visits,
            member=circles(table, together=circle.together, items=len(items), bits=circle.bits),
            at_items=np.column_stack([one, history.held[:, 0], recent]).astype(np.int64),
            in_circles=np.column_stack([one, recent.any(axis=1), *of_groups]).astype(np.int64),
        )
