"""A client of the shop's API: what you ask for happens once, however bad the line.

    from shop_client import ShopClient
    from shop_client.generated.api.orders import place_order
    from shop_client.generated.models import LineForm, PlacementForm

    shop = ShopClient("https://shop.example")
    shop.log_in("ada", "a long enough password")
    order = place_order.sync(client=shop.api, body=PlacementForm(lines=[LineForm(product_id=lamp, quantity=1)]))

`shop_client.generated` is made from the description of the API. What stands beside it is the thin layer that a phone
needs: a key before the first try and the same one for each retry, one refresh of the tokens for all calls that wait,
and copies of the catalog and of one's orders that follow what changes.
"""

from shop_client.client import ShopClient
from shop_client.copies import CatalogCopy, OrdersCopy
from shop_client.refusals import Refused
from shop_client.retries import NoAnswer, RetryingTransport
from shop_client.tokens import LoggedOut, MemoryTokens, Tokens, TokenStore

__all__ = [
    "CatalogCopy",
    "LoggedOut",
    "MemoryTokens",
    "NoAnswer",
    "OrdersCopy",
    "Refused",
    "RetryingTransport",
    "ShopClient",
    "TokenStore",
    "Tokens",
]
