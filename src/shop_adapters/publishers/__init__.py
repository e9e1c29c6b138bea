"""Where events go: a log or memory. Webhooks are in `shop_adapters.publishers.webhook`, which needs an extra."""

from shop_adapters.publishers.log import LogPublisher
from shop_adapters.publishers.memory import MemoryPublisher
from shop_adapters.publishers.message import event_body, event_json

__all__ = ["LogPublisher", "MemoryPublisher", "event_body", "event_json"]
