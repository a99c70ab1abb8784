"""The pictures of the features in the run report: how much is drawn, and from how much."""

from pydantic import Field, model_validator

from configs.settings.base import Strict


class DriftPictures(Strict):
    """Population stability of a column from train to a later split.

    Attributes:
        bins: equal-mass bins of the train values.
        notable, large: from here on an index is marked.
        listed: columns of a group that are listed, the most drifting first.
    """

    bins: int = Field(ge=2)
    notable: float = Field(gt=0)
    large: float = Field(gt=0)
    listed: int = Field(gt=0)


class InformationPictures(Strict):
    """Mutual information of columns with labels.

    Attributes:
        bins: equal-mass bins of numeric columns and labels.
        listed: columns of a group that are listed, the most informative first.
        least_rows: labelled train rows a task needs.
    """

    bins: int = Field(ge=2)
    listed: int = Field(gt=0)
    least_rows: int = Field(gt=0)


class StatePictures(Strict):
    """Hidden states: where their columns are found.

    Attributes:
        generator: of the group that holds them.
        state, dwell: endings of the columns of the present state and of the months in it.
    """

    generator: str
    state: str
    dwell: str


class PersistencePictures(Strict):
    """Persistence diagrams.

    Attributes:
        tensor: side tensor with the pairs.
        window: its field with the months a pair is of, of which the longest is drawn; None where
            there is no such field.
        customers: most customers drawn together.
        points: most pairs of one dimension drawn.
    """

    tensor: str
    window: str | None = None
    customers: int = Field(gt=0)
    points: int = Field(gt=0)


class TreePicture(Strict):
    """The category tree in the Poincare disk.

    Attributes:
        tensor: side tensor of events, whose categories are counted.
        vocabulary: their codes in the feature schema.
        edge_length: hyperbolic length of every edge.
        parent_share: share of the circle around a node that is kept free for its parent.
        customers: most customers whose events are counted.
    """

    tensor: str
    vocabulary: str
    edge_length: float = Field(gt=0, le=4)
    parent_share: float = Field(gt=0, lt=1)
    customers: int = Field(gt=0)


class MapPictures(Strict):
    """Two-dimensional views of all decision inputs.

    Attributes:
        rows: most train customers drawn.
        clip: standard deviations beyond which a value is drawn in.
        components: principal components that t-SNE starts from.
        perplexity, iterations: of t-SNE.
        column: categorical column that colours a view.
        tasks: binary tasks; the train labels of the first that is on colour another.
    """

    rows: int = Field(ge=10)
    clip: float = Field(gt=0)
    components: int = Field(ge=2)
    perplexity: float = Field(gt=1)
    iterations: int = Field(ge=250)
    column: str
    tasks: tuple[str, ...] = Field(min_length=1)


class PictureSettings(Strict):
    """All pictures of the features.

    Attributes:
        rows: most rows of Phase 0 that they are made from.
        parts: most parts that these rows are taken from.
        seed: of t-SNE and of principal components.
        panels: distributions a group shows.
        histogram_bins: bars of a distribution.
    """

    rows: int = Field(gt=0)
    parts: int = Field(gt=0)
    seed: int
    panels: int = Field(gt=0)
    histogram_bins: int = Field(ge=2)
    drift: DriftPictures
    information: InformationPictures
    states: StatePictures
    persistence: PersistencePictures
    tree: TreePicture
    maps: MapPictures

    @model_validator(mode="after")
    def _ordered(self) -> "PictureSettings":
        if self.drift.notable >= self.drift.large:
            raise ValueError("drift: notable must lie below large")
        return self
