"""Names inside a customer's serving record: what packaging writes and serving reads."""


def attribution_key(task: str, group: str | None = None) -> str:
    """Return the key under which a student's attributions stand in a record.

    Args:
        task: whose student.
        group: product group that a class of a multiclass task is about; None for other tasks.
    """
    return task if group is None else f"{task}:{group}"
