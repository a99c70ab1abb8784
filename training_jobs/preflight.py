"""Preflight job: the data contract is checked, then the canonical tables are written."""

from configs.contracts.stages import Stage
from configs.settings.dataset import DatasetSettings
from training_jobs.data.canonical import convert
from training_jobs.data.violations import refuse, render
from training_jobs.runtime import JobContext, run_job


def main(context: JobContext) -> None:
    """Check the raw files and write `tables/`, `shards.json` and `profile.json`.

    Raises:
        DataContractError: the files break the contract; nothing has been written.
    """
    settings = DatasetSettings.model_validate(context.settings["dataset"])
    faults, _ = convert(
        settings,
        raw=context.inputs["raw"],
        output=context.output,
        progress=context.progress,
    )
    if faults:
        print(render(faults, show_identifying=False), flush=True)
        raise refuse(faults)


if __name__ == "__main__":
    run_job(Stage.PREFLIGHT, main)
