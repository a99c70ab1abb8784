"""Report stage: one self-contained page on the run, for the person who approves its model."""

from configs.contracts.stages import Stage
from configs.settings.base import validate
from configs.settings.dataset import DatasetSettings
from configs.settings.evaluation import EvaluationSettings
from configs.settings.pictures import PictureSettings
from configs.settings.report import ReportSettings
from training_jobs.evaluation.ledger import Ledger
from training_jobs.reporting.case import Case
from training_jobs.reporting.documents import Inputs, NotAvailable
from training_jobs.reporting.page import page
from training_jobs.reporting.sample import Sample, draw_sample
from training_jobs.reporting.students import Measured, measure_students
from training_jobs.runtime import JobContext, run_job

REPORT_FILE = "report.html"
STEPS = 2


def _measured(
    inputs: Inputs, settings: EvaluationSettings, ledger: Ledger
) -> dict[str, Measured] | NotAvailable:
    try:
        return measure_students(inputs, settings, ledger)
    except NotAvailable as why:
        return why


def _sample(inputs: Inputs, settings: PictureSettings, ledger: Ledger) -> Sample | NotAvailable:
    try:
        return draw_sample(inputs, settings, ledger)
    except NotAvailable as why:
        return why


def main(context: JobContext) -> None:
    """Write `report.html`; what cannot be shown says why on the page.

    Raises:
        SettingsError: a section of the settings is wrong.
    """
    given = context.settings
    evaluation = validate(EvaluationSettings, given["evaluation"], source="settings.evaluation")
    settings = validate(ReportSettings, given["report"], source="settings.report")
    inputs = Inputs(context.inputs)
    ledger = Ledger(Stage.REPORT)
    measured = _measured(inputs, evaluation, ledger)
    context.progress(1, STEPS, "students measured")
    case = Case(
        inputs=inputs,
        identity=context.identity,
        dataset=validate(DatasetSettings, given["dataset"], source="settings.dataset"),
        settings=settings,
        bootstrap=evaluation.bootstrap,
        measured=measured,
        ledger=ledger,
        sample=_sample(inputs, settings.pictures, ledger),
    )
    (context.output / REPORT_FILE).write_text(page(case), encoding="utf-8")
    context.progress(STEPS, STEPS, "page written")


if __name__ == "__main__":
    run_job(Stage.REPORT, main)
