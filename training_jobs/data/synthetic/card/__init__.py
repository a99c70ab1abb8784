"""The card of a synthetic bank: one page with plots that show whether it behaves like a bank.

`facts.py` counts with DuckDB over the files, `page.py` draws what was counted.
"""
