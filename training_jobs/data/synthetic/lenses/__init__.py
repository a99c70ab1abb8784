"""Reference representations: what each of the seven lenses reads of the observed history.

Each module turns the observed history of a group of customers into one matrix, as the expert of
that name reads it, and knows nothing of the planted mechanisms. `visibility.py` asks of every
matrix how well it tells which mechanism is on.

A representation holds what the lens is for and leaves out what another one is for: order without
amounts, the tree without order, amounts without categories, and so on. A network that reads raw
events with all their columns could see more than its line of the matrix.
"""
