"""Whether chance explains the difference of two counts."""

import math

MIN_EVENTS = 6  # of both counts; chance explains any change of fewer
Z_95 = 1.96  # standard errors that chance exceeds in one of 20 cases


def may_be_chance(count: float | None, earlier: float | None, factor: float) -> bool:
    """Whether two counts of one rate differ by this factor in one of 20 cases (Poisson, 95 %).

    The root of a count has the same spread whatever the count. `mayBeChance` of the dashboard's
    page is the same rule: tests/test_chance.py has one table of cases for both.
    """
    if count is None or earlier is None or min(count, earlier, factor) < 0:
        return False
    if count + earlier < MIN_EVENTS:
        return True
    least = 1 / max(earlier, 1)
    spread = math.sqrt((factor / count if count else least) + least) / 2
    return abs(math.sqrt(factor) - 1) < Z_95 * spread
