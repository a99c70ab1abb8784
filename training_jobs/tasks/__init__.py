"""Labels: one registered method a derivation, splits, masks and the viability gate.

How `phase0` uses this package::

    from training_jobs.tasks.examples import write_examples

    report = write_examples(tables, output, dataset=..., tasks=..., progress=...)

`tables` is the folder `tables/` of the preflight stage. The call writes
`output/examples/part-NNNNN.parquet` (one file a customer shard, rows sorted by
`(customer_id, as_of)`) and `output/tasks.json` (tasks after the viability gate with label counts by
split and by `as_of` within it, and the record of that counting), and returns the content of the
latter. Feature, event and incidence parts then follow the rows of the same shard.

Columns of an examples part: `customer_id` VARCHAR, `as_of` DATE, `split` VARCHAR in
train | selection | calibration | test | score, `cold` BOOL, `fold` TINYINT, `y_<task>` DOUBLE for
every task of `tasks.json` (null = masked or missing; class index for multiclass; all null where
the data set lacks the inputs), and what persistence baselines read at `as_of`, DOUBLE:

- `b_segment`: class index of the segment at `as_of`;
- `b_top1`, `b_top2`, `b_top3`, `b_count`, `b_distinct`: counts of the three most frequent
  categories, of all events and of distinct categories in the window of `horizon_months` that
  ends at `as_of` (the equal window before the label window).
"""
