"""Fits BG/NBD and Gamma-Gamma to cdnow.csv with the package `lifetimes`, and prints what they say.

The first line has the parameters r alpha a b p q v; then comes a line per buyer: the purchases expected in 39 weeks,
the probability of being alive, and what is expected to be spent at a time (0 where nothing is known of that).
"""

import csv
import sys
import warnings

warnings.filterwarnings("ignore")

import numpy
from lifetimes import BetaGeoFitter, GammaGammaFitter

with open(sys.argv[1]) as file:
    rows = numpy.array(list(csv.reader(file))[1:], dtype=float)
repeats, last, seen, cents = rows[:, 0], rows[:, 1] / 7, rows[:, 2] / 7, rows[:, 3]
mean = numpy.divide(cents, repeats, out=numpy.zeros_like(cents), where=repeats > 0)

often = BetaGeoFitter()
often.fit(repeats, last, seen)
much = GammaGammaFitter()
has_spent = repeats > 0
# In dollars, since its search does not find its way in cents.
much.fit(repeats[has_spent], mean[has_spent] / 100)
value = numpy.where(has_spent, much.conditional_expected_average_profit(repeats, mean / 100), 0)

names = [often.params_[name] for name in ("r", "alpha", "a", "b")] + [much.params_[name] for name in ("p", "q", "v")]
print(*names)
ahead = often.conditional_expected_number_of_purchases_up_to_time(39, repeats, last, seen)
for line in zip(ahead, often.conditional_probability_alive(repeats, last, seen), value):
    print(*line)
