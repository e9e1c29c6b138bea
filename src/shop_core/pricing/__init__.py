"""Prices: what a cart costs with the shop's promotions and taxes, and what a return gives back. All of it is pure.

`model` says what a promotion is, `evaluation.price` is the one function that quote, place and edit use, and `rounding`
holds the three rules of arithmetic.
"""
