"""Reference representations: what each of the seven lenses reads of the observed history.

Each module turns the observed history of a group of customers into one matrix, as the expert of
that name reads it, and knows nothing of the planted mechanisms. `visibility.py` asks of every
matrix how well it tells which mechanism is on.
"""
