"""Prints recency, frequency and money fifths of the buyers of cdnow.csv, by comparing each with each of the others."""

import csv
import sys

with open(sys.argv[1]) as file:
    rows = [[int(cell) for cell in row] for row in list(csv.reader(file))[1:]]
# Better is greater: fewer days since the last purchase, more purchases, more money.
columns = [[last - seen, repeats, cents] for repeats, last, seen, cents, _ in rows]
for column in range(3):
    values = [row[column] for row in columns]
    worse = {value: sum(other < value for other in values) for value in set(values)}
    print(*(5 * worse[value] // len(values) + 1 for value in values))
