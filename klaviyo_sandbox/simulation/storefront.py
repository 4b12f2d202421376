"""What visitors do in the shop: look, fill a basket, check out, order, send back."""

from __future__ import annotations

from typing import Final

import numpy as np

from klaviyo_sandbox.catalog.model import Product
from klaviyo_sandbox.catalog.plan import Channel
from klaviyo_sandbox.clock import DAY, HOUR, MINUTE
from klaviyo_sandbox.simulation.event_table import Content, Table, blank
from klaviyo_sandbox.simulation.event_writer import Scribe
from klaviyo_sandbox.simulation.population import Ints

VIEWS: Final = 0.75  # of visits look at a product
CHECKS_OUT: Final = 0.10  # of visits that look at a product
EAGERNESS: Final[dict[Channel, float]] = {"email": 2.0, "sms": 0.7, "push": 0.9, "whatsapp": 0.9}
ORDERS: Final = 0.5  # of checkouts
REFUNDS: Final = 0.025  # of orders
BASKET: Final = 3  # the most products in one basket


class Shop:
    """The shop; ``baskets`` holds the positions of up to three products each, -1 for none."""

    def __init__(
        self, products: tuple[Product, ...], messages: list[Content], scribe: Scribe
    ) -> None:
        self.scribe, self.rng = scribe, scribe.rng
        self.buying = np.array([c.theme.buying * EAGERNESS[c.channel] for c in messages])
        popularity = np.array([product.popularity for product in products])
        self.popularity = np.cumsum(popularity / popularity.sum())
        self.prices = np.array([product.price for product in products])
        self.baskets: list[Ints] = []
        self.basket_count = 0

    def receive(self, visits: Table) -> None:
        """Write what visitors do; more of those a message led there buy."""
        if not len(visits):
            return
        clicked = visits["variation"] >= 0
        eager = np.where(clicked, self.buying[visits["variation"]], 1.0)
        arrivals = blank(visits["person"], visits["at"])
        self.scribe.write("Active on Site", arrivals, self.scribe.soon(arrivals, 2, 20))
        looks = self.rng.random(len(arrivals)) < VIEWS
        looking, eager = arrivals[looks], eager[looks]
        seen = np.repeat(looking, 1 + self.rng.poisson(1.0, len(looking)))
        seen["detail"] = self.draw_products(len(seen))
        self.scribe.write("Viewed Product", seen, self.scribe.soon(seen, 20, 6 * MINUTE))
        buys = self.rng.random(len(looking)) < np.minimum(CHECKS_OUT * eager, 0.9)
        self._check_out(looking[buys])

    def _check_out(self, visits: Table) -> None:
        carts, baskets = self._fill_baskets(visits)
        self.scribe.write("Added to Cart", carts, self.scribe.soon(carts, 6 * MINUTE, 8 * MINUTE))
        checkouts = self.scribe.write(
            "Started Checkout", carts, self.scribe.soon(carts, 8 * MINUTE, HOUR // 4)
        )
        orders = self.rng.random(len(checkouts)) < ORDERS
        self._order(checkouts[orders], baskets[orders])

    def _order(self, checkouts: Table, baskets: Ints) -> None:
        orders = self.scribe.write(
            "Placed Order", checkouts, self.scribe.soon(checkouts, MINUTE, 10 * MINUTE)
        )
        order, place = np.nonzero(baskets >= 0)
        lines = orders[order]
        lines["detail"] = baskets[order, place]
        lines["value"] = self.prices[lines["detail"]]
        self.scribe.write("Ordered Product", lines, lines["at"])
        points = orders.copy()
        points["value"] = np.floor(orders["value"])
        self.scribe.write("Earned Loyalty Points", points, self.scribe.soon(points, 2, MINUTE))
        returned = self.scribe.some(orders, REFUNDS)
        returned["value"] *= -1
        self.scribe.write("Refunded Order", returned, self.scribe.soon(returned, 3 * DAY, 20 * DAY))

    def draw_products(self, count: int) -> Ints:
        """Draw products, the popular ones more often."""
        drawn = np.searchsorted(self.popularity, self.rng.random(count), side="right")
        return np.minimum(drawn, len(self.prices) - 1)

    def _fill_baskets(self, visits: Table) -> tuple[Table, Ints]:
        """Give each visit a new basket of one to three products, and its value."""
        products = self.draw_products(BASKET * len(visits)).reshape(-1, BASKET)
        size = 1 + self.rng.binomial(BASKET - 1, 0.55, len(visits))
        products[np.arange(BASKET) >= size[:, None]] = -1
        carts = visits.copy()
        carts["detail"] = self.basket_count + np.arange(len(carts))
        carts["value"] = np.where(products >= 0, self.prices[products], 0.0).sum(axis=1).round(2)
        self.baskets.append(products)
        self.basket_count += len(products)
        return carts, products
