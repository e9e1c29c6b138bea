"""Operations that take no Idempotency-Key. Made by clients/generate.py."""

import re

UNKEYED = [
    ("POST", re.compile(r"/api/v1/auth/token")),
    ("POST", re.compile(r"/api/v1/auth/token/refresh")),
    ("POST", re.compile(r"/api/v1/auth/logout")),
    ("POST", re.compile(r"/api/v1/auth/password-reset")),
    ("POST", re.compile(r"/api/v1/auth/password-reset/confirm")),
    ("POST", re.compile(r"/api/v1/auth/email-confirmation")),
    ("POST", re.compile(r"/api/v1/users/me/email-confirmation")),
    ("POST", re.compile(r"/api/v1/users/me/password")),
    ("POST", re.compile(r"/api/v1/users/[^/]+/password-reset")),
    ("POST", re.compile(r"/api/v1/orders/quote")),
    ("POST", re.compile(r"/api/v1/orders/changes")),
]
NOT_REPEATABLE = [
    ("POST", re.compile(r"/api/v1/auth/password-reset")),
    ("POST", re.compile(r"/api/v1/auth/password-reset/confirm")),
    ("POST", re.compile(r"/api/v1/auth/email-confirmation")),
    ("POST", re.compile(r"/api/v1/users/me/email-confirmation")),
    ("POST", re.compile(r"/api/v1/users/me/password")),
    ("POST", re.compile(r"/api/v1/users/[^/]+/password-reset")),
]
