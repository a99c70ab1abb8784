"""The experts: each turns what it may read of a customer into one vector, under one interface.

A later expert is one module with a class registered by `register("<name>")`, one configuration
model in `configs/settings/experts.py` and one line in `known.py`; nothing else changes.
"""
