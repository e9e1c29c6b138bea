"""A shop in memory behind HTTP, for `uvicorn --factory memory_app:make`; what it is given comes in variables."""

from __future__ import annotations

import os
import threading

from shop_adapters.media.encoder import PictureProcess
from shop_adapters.memory import MemoryAdapters
from shop_core import SYSTEM, Registration, Role, Shop
from shop_http.app import create_app
from shop_http.routing import App


def make() -> App:
    """The application, with one admin."""
    shop = Shop(MemoryAdapters(image_encoder=PictureProcess()))
    shop.accounts.register(
        Registration(os.environ["STAFF_USERNAME"], os.environ["STAFF_PASSWORD"]), actor=SYSTEM, role=Role.ADMIN
    )
    return create_app(shop, ready=runs_in_a_worker_thread, threads=4)


def runs_in_a_worker_thread() -> None:
    """Not ready if handlers run anywhere else than on the threads that the application made."""
    name = threading.current_thread().name
    if not name.startswith("shop-http"):
        raise RuntimeError(f"a handler runs in the thread {name}")
