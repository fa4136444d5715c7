"""Writes sales.csv: made-up sales of two years, the same bytes at every run.

    python3 make_sales.py > sales.csv

Prices and discounts are in Brazilian reais; `discount` is what the whole line was reduced by.
"""

import calendar

REGIONS = {"São Paulo": 9, "Rio de Janeiro": 6, "Minas Gerais": 5, "Paraná": 4, "Bahia": 3}
PRODUCTS = {"Notebook": 389900, "Monitor": 119990, "Cadeira": 84950, "Teclado": 24990, "Fone de ouvido": 15990}
# Sales of a month against the average: quiet after the holidays, a peak at the end of the year.
SEASON = [80, 75, 90, 95, 100, 95, 90, 100, 105, 110, 140, 150]
DISCOUNTS = [0, 0, 0, 0, 5, 5, 10, 15]


class Dice:
    """A linear congruential generator, so that no version of Python changes the data."""

    def __init__(self, seed):
        self.state = seed

    def below(self, bound):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 33) % bound


def money(cents):
    return f"{cents // 100}.{cents % 100:02}"


def rows(dice):
    for year in (2024, 2025):
        for month in range(1, 13):
            for region, size in REGIONS.items():
                for product, price in PRODUCTS.items():
                    if dice.below(100) < 28:
                        continue
                    day = 1 + dice.below(calendar.monthrange(year, month)[1])
                    affordable = 6_000_000 // (price + 150_000)
                    units = 1 + size * affordable * SEASON[month - 1] * (60 + dice.below(80)) // 150_000
                    price_then = price * (100 + 6 * (year - 2024)) // 100
                    discount = units * price_then * DISCOUNTS[dice.below(len(DISCOUNTS))] // 100
                    date = f"{year}-{month:02}-{day:02}"
                    yield date, region, product, str(units), money(price_then), money(discount)


def main():
    lines = sorted(rows(Dice(20240101)))
    print("date,region,product,units,unit_price,discount")
    for line in lines:
        print(",".join(line))


main()
