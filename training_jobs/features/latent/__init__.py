"""What is estimated rather than counted: Gaussian states and clusters, trials, a fixed network.

Everything here works along the last axis, one customer a place, by element-wise operations and
sums over short axes in a fixed order: a value can depend neither on the other customers of a call
nor on their number. Only fitting sums over customers, in an order its caller fixes.
"""
