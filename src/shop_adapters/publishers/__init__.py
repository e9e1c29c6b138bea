"""Where facts go: a log, a webhook, a list, or nowhere. All are `shop_core.ports.EventPublisher`."""

from shop_adapters.publishers.message import event_body, event_json
from shop_adapters.publishers.near import LogPublisher, MemoryPublisher
from shop_adapters.publishers.webhook import WebhookPublisher

__all__ = ["LogPublisher", "MemoryPublisher", "WebhookPublisher", "event_body", "event_json"]
