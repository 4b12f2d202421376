"""The online store: visits, product views, baskets, checkouts, orders and refunds."""

from __future__ import annotations

from typing import Final

import numpy as np

from klaviyo_sandbox.catalog.model import Product
from klaviyo_sandbox.catalog.plan import Channel
from klaviyo_sandbox.clock import DAY, HOUR, MINUTE
from klaviyo_sandbox.simulation.event_table import Content, Rows, create_rows
from klaviyo_sandbox.simulation.event_writer import EventWriter
from klaviyo_sandbox.simulation.population import Ints

VIEW_SHARE: Final = 0.75  # of visits
CHECKOUT_SHARE: Final = 0.10  # of visits with a product view
CHECKOUT_FACTORS: Final[dict[Channel, float]] = {
    "email": 2.0,
    "sms": 0.7,
    "push": 0.9,
    "whatsapp": 0.9,
}
ORDER_SHARE: Final = 0.5  # of checkouts
REFUND_SHARE: Final = 0.025  # of orders
BASKET_SIZE: Final = 3  # the most products in one basket


class Storefront:
    """The store; ``baskets`` holds the positions of up to three products each, -1 for none."""

    def __init__(
        self, products: tuple[Product, ...], contents: list[Content], writer: EventWriter
    ) -> None:
        self.writer, self.rng = writer, writer.rng
        self.buy_factor = np.array(
            [c.theme.buy_factor * CHECKOUT_FACTORS[c.channel] for c in contents]
        )
        popularity = np.array([product.popularity for product in products])
        self.cumulative_popularity = np.cumsum(popularity / popularity.sum())
        self.prices = np.array([product.price for product in products])
        self.baskets: list[Ints] = []
        self.basket_count = 0

    def simulate_visits(self, visits: Rows) -> None:
        """Record what visitors do; those who come from a message buy more often."""
        if not len(visits):
            return
        is_click = visits["variation"] >= 0
        factor = np.where(is_click, self.buy_factor[visits["variation"]], 1.0)
        arrivals = create_rows(visits["person"], visits["at"])
        self.writer.write("Active on Site", arrivals, self.writer.draw_times(arrivals, 2, 20))
        is_viewing = self.rng.random(len(arrivals)) < VIEW_SHARE
        viewers, factor = arrivals[is_viewing], factor[is_viewing]
        views = np.repeat(viewers, 1 + self.rng.poisson(1.0, len(viewers)))
        views["detail"] = self.draw_products(len(views))
        self.writer.write("Viewed Product", views, self.writer.draw_times(views, 20, 6 * MINUTE))
        is_buying = self.rng.random(len(viewers)) < np.minimum(CHECKOUT_SHARE * factor, 0.9)
        self._check_out(viewers[is_buying])

    def _check_out(self, visits: Rows) -> None:
        carts, baskets = self._fill_baskets(visits)
        write, draw_times = self.writer.write, self.writer.draw_times
        write("Added to Cart", carts, draw_times(carts, 6 * MINUTE, 8 * MINUTE))
        checkouts = write("Started Checkout", carts, draw_times(carts, 8 * MINUTE, HOUR // 4))
        is_ordering = self.rng.random(len(checkouts)) < ORDER_SHARE
        self._order(checkouts[is_ordering], baskets[is_ordering])

    def _order(self, checkouts: Rows, baskets: Ints) -> None:
        write, draw_times = self.writer.write, self.writer.draw_times
        orders = write("Placed Order", checkouts, draw_times(checkouts, MINUTE, 10 * MINUTE))
        order, slot = np.nonzero(baskets >= 0)
        lines = orders[order]
        lines["detail"] = baskets[order, slot]
        lines["value"] = self.prices[lines["detail"]]
        write("Ordered Product", lines, lines["at"])
        points = orders.copy()
        points["value"] = np.floor(orders["value"])
        write("Earned Loyalty Points", points, draw_times(points, 2, MINUTE))
        refunds = self.writer.sample(orders, REFUND_SHARE)
        refunds["value"] *= -1
        write("Refunded Order", refunds, draw_times(refunds, 3 * DAY, 20 * DAY))

    def draw_products(self, count: int) -> Ints:
        """Draw products, the popular ones more often."""
        drawn = np.searchsorted(self.cumulative_popularity, self.rng.random(count), side="right")
        return np.minimum(drawn, len(self.prices) - 1)

    def _fill_baskets(self, visits: Rows) -> tuple[Rows, Ints]:
        """Return a row per visit with a new basket and its value, and the baskets' products."""
        products = self.draw_products(BASKET_SIZE * len(visits)).reshape(-1, BASKET_SIZE)
        size = 1 + self.rng.binomial(BASKET_SIZE - 1, 0.55, len(visits))
        # Always three products are drawn, and those beyond the basket's size emptied.
        products[np.arange(BASKET_SIZE) >= size[:, None]] = -1
        carts = visits.copy()
        # The number of the basket leads from each event of an order to its products.
        carts["detail"] = self.basket_count + np.arange(len(carts))
        carts["value"] = np.where(products >= 0, self.prices[products], 0.0).sum(axis=1).round(2)
        self.baskets.append(products)
        self.basket_count += len(products)
        return carts, products
