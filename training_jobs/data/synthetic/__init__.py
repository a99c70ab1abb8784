"""A synthetic bank as a causal simulation in time, event level, reproducible by seed.

One block of customers is simulated month by month (`bank.py`): hidden situations evolve
(`situations.py`), mechanisms go on and off in spells (`mechanisms/`, one a file), products are
acquired and closed by additive competing risks (`products.py`), and card events, credits and
bills follow (`events.py`). What a pipeline may see goes to the data folder, the latent paths and
causes to another one (`writing.py`).
"""
