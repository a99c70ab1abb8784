"""The label read from the monthly snapshot: segment at the end of the window."""

from configs.settings.dataset import DatasetSettings
from configs.settings.tasks import SegmentAtEnd
from training_jobs.absence import Off
from training_jobs.data.engine import text
from training_jobs.tasks.base import Derivation, Setting, derives


def segment_number(dataset: DatasetSettings) -> str:
    """Return the SQL of a segment's class index."""
    cases = " ".join(
        f"WHEN {text(segment.code)} THEN {place}" for place, segment in enumerate(dataset.segments)
    )
    return f"CAST(CASE segment {cases} END AS DOUBLE)" if cases else "CAST(NULL AS DOUBLE)"


@derives(SegmentAtEnd)
class SegmentAtEndDerivation(Derivation[SegmentAtEnd]):
    """Segment at the end of the window; masked where it is not recorded."""

    requires = ("customer_months",)

    def unmet(self, rule: SegmentAtEnd, dataset: DatasetSettings) -> Off | None:
        """See the base class."""
        if off := super().unmet(rule, dataset):
            return off
        if dataset.segments:
            return None
        return Off(
            "the data set declares no segments",
            "declare them under segments and give tables.customer_months a segment",
        )

    def classes(self, rule: SegmentAtEnd, setting: Setting) -> tuple[str, ...]:
        """See the base class."""
        del rule
        return tuple(segment.code for segment in setting.dataset.segments)

    def sql(self, rule: SegmentAtEnd, setting: Setting) -> str:
        """See the base class."""
        del rule
        return f"""
            SELECT spine.customer_id, spine.as_of, {segment_number(setting.dataset)} AS y
            FROM spine LEFT JOIN customer_months
              ON customer_months.customer_id = spine.customer_id
              AND customer_months.month = spine.label_end
        """
