"""The ASGI middlewares of the application, each in one file; `shop_http.app` lists them in order."""
