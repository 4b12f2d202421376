"""Whether chance explains the difference of two counts."""

import math

MIN_EVENTS = 6  # of both counts; chance explains any change of fewer
Z_95 = 1.96  # standard errors that chance exceeds in one of 20 cases
# The variance of a sum of order values beside that of their count, where values vary as much as
# their mean (a log-normal deviation of 0.83): the marts of messages do not have single values.
AMOUNT_VARIANCE = 2


def may_be_chance(
    count: float | None, earlier: float | None, factor: float, *, is_amount: bool = False
) -> bool:
    """Whether two counts of one rate differ by this factor in one of 20 cases (Poisson, 95 %).

    Of an amount they are the numbers of orders, whose values differ too.
    The root of a count has the same spread whatever the count. `mayBeChance` of the dashboard's
    page is the same rule: tests/test_chance.py has one table of cases for both.
    """
    if count is None or earlier is None or min(count, earlier, factor) < 0:
        return False
    if count + earlier < MIN_EVENTS:
        return True
    least = 1 / max(earlier, 1)
    variance = ((factor / count if count else least) + least) / 4
    spread = math.sqrt(variance * (AMOUNT_VARIANCE if is_amount else 1))
    return abs(math.sqrt(factor) - 1) < Z_95 * spread
