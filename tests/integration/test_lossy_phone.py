"""A phone that loses most answers, on a real server: see `verification.lossy_phone`."""

from __future__ import annotations

from verification.lossy_phone import PASSWORD, STAFF, expected, play
from verification.shop_process import shop

from http_servers import serving


def test_what_a_phone_wishes_on_a_lossy_line_happens_once_and_nothing_seems_to_have_failed(
    own_shop: dict[str, str],
) -> None:
    with serving(env=own_shop) as (url, _):
        assert shop("create-admin", STAFF, env=own_shop, stdin=f"{PASSWORD}\n").returncode == 0
        counts, failed = play(url, seed=7, wishes=4)
    assert failed == []
    assert counts.pop("lost") > 20
    assert counts == expected(4)
