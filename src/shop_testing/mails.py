"""The contract of mails: who gets which, with what is true when it is sent, and none is lost."""

from __future__ import annotations

from datetime import timedelta
from itertools import chain
from typing import ClassVar, cast

import pytest

from shop_core.accounts.guess_limits import MAIL_TO_ADDRESS
from shop_core.accounts.model import SYSTEM, Account, AccountStatusChange, Actor, ProfileChange
from shop_core.accounts.service import Registration
from shop_core.accounts.sessions import RECENT_LOGIN
from shop_core.errors import InvalidConfirmationCode, LoginTooOld, NoMail, TooManyMails
from shop_core.mail.model import Mail, MailKind, MailMessage, mails_about
from shop_core.mail.service import ACCOUNTS_MAX, ASKED_FOR, CONFIRMATION_CODE_LIFE
from shop_core.outbox import VISIBILITY_TIMEOUT
from shop_core.pagination import CursorRequest, OffsetRequest
from shop_core.ports import Adapters, Queued, Undelivered
from shop_core.shop import Shop
from shop_testing.contract import Contract
from shop_testing.determinism import MovableClock
from shop_testing.fixtures import Altered, Fixtures, request

PASSWORD, OTHER = "correct horse battery", "staple, but which one"


class Postbox:
    """A mailer that keeps the messages, and refuses while it is told to."""

    def __init__(self) -> None:
        self.messages: list[MailMessage] = []
        self.tried: list[MailMessage] = []
        self.refusal: Undelivered | None = None
        self.refused_names: set[str] = set()

    def send(self, message: MailMessage) -> None:
        self.tried.append(message)
        if self.refusal is not None:
            raise self.refusal
        if message.username in self.refused_names:
            raise Undelivered("450 busy")
        self.messages.append(message)


class MailsContract(Contract):
    """Mails to customers."""

    moves_time: ClassVar[bool] = True

    @pytest.fixture
    def shop(self, adapters: Adapters) -> Shop:
        return Shop(cast("Adapters", Altered(adapters, has_mail=True)))

    @pytest.fixture
    def postbox(self) -> Postbox:
        return Postbox()

    def test_an_address_is_confirmed_with_the_code_that_was_sent_there(self, shop: Shop, postbox: Postbox) -> None:
        ada = _registered(shop)
        assert not ada.email_confirmed
        (message,) = _sent(shop, postbox)
        assert (message.kind, message.to, message.username) == (MailKind.EMAIL_CONFIRMATION, "Ada@Example.org", "ada")
        for wrong in ("", "é", message.code[:-1] + ("A" if message.code[-1] != "A" else "B")):
            with pytest.raises(InvalidConfirmationCode):
                shop.mails.confirm(wrong)
        shop.mails.confirm(message.code)
        shop.mails.confirm(message.code)
        assert shop.accounts.me(ada.actor).email_confirmed
        shop.mails.ask_for_confirmation(ada.actor)
        assert _sent(shop, postbox) == []

    def test_another_address_is_unconfirmed_until_its_own_code_comes(self, shop: Shop, postbox: Postbox) -> None:
        ada, actor = _confirmed(shop, postbox), _logged_in(shop)
        edited = shop.accounts.edit_me(actor, ProfileChange(email="ada@elsewhere.org"))
        assert not edited.email_confirmed
        shop.accounts.edit_me(actor, ProfileChange(first_name="Ada"))
        (message,) = _sent(shop, postbox)
        assert (message.to, message.name) == ("ada@elsewhere.org", "Ada")
        back = shop.accounts.edit_me(actor, ProfileChange(email=ada.email))
        assert back.email_confirmed, "that one is known"
        with pytest.raises(InvalidConfirmationCode):
            shop.mails.confirm(message.code)

    def test_another_address_needs_a_recent_login(self, shop: Shop, postbox: Postbox, clock: MovableClock) -> None:
        """Else a stolen session has a code for another password sent to the thief."""
        ada, actor = _confirmed(shop, postbox), _logged_in(shop)
        clock.move(RECENT_LOGIN + timedelta(seconds=1))
        with pytest.raises(LoginTooOld):
            shop.accounts.edit_me(actor, ProfileChange("Mallory", email="mallory@example.org"))
        assert shop.accounts.me(ada.actor) == ada
        assert _sent(shop, postbox) == []
        assert shop.accounts.edit_me(actor, ProfileChange("Countess", email=ada.email)).first_name == "Countess"

    def test_a_code_for_an_address_ends_after_a_week_and_sets_no_password(
        self, shop: Shop, postbox: Postbox, clock: MovableClock
    ) -> None:
        _registered(shop)
        (message,) = _sent(shop, postbox)
        with pytest.raises(Exception, match="wrong, expired or used"):
            shop.accounts.reset_password(message.code, OTHER)
        clock.move(CONFIRMATION_CODE_LIFE)
        with pytest.raises(InvalidConfirmationCode):
            shop.mails.confirm(message.code)

    def test_a_forgotten_password_is_replaced_with_a_code_by_mail(self, shop: Shop, postbox: Postbox) -> None:
        _confirmed(shop, postbox)
        shop.mails.ask_for_reset(" ADA@example.org")
        (message,) = _sent(shop, postbox)
        assert (message.kind, message.to) == (MailKind.PASSWORD_RESET, "Ada@Example.org")
        assert message.code not in repr(message)
        with pytest.raises(InvalidConfirmationCode):
            shop.mails.confirm(message.code)
        shop.accounts.reset_password(message.code, OTHER)
        assert shop.sessions.log_in("ada", OTHER)
        with pytest.raises(Exception, match="wrong, expired or used"):
            shop.accounts.reset_password(message.code, PASSWORD)

    def test_an_unknown_address_waits_like_a_known_one_and_nobody_gets_a_mail(
        self, shop: Shop, postbox: Postbox, fixtures: Fixtures
    ) -> None:
        ada = _registered(shop)  # not confirmed
        _sent(shop, postbox)
        inactive = fixtures.account("bob", email="bob@example.org", confirmed_email="bob@example.org")
        shop.accounts.assign(SYSTEM, inactive.id, AccountStatusChange(active=False))
        for address in (ada.email, inactive.email, "nobody@example.org"):
            shop.mails.ask_for_reset(address)
        assert shop.mails.waiting(SYSTEM)[0] == 3
        assert _sent(shop, postbox) == []

    def test_every_account_of_an_address_gets_its_own_code(
        self, shop: Shop, postbox: Postbox, fixtures: Fixtures
    ) -> None:
        for name in ("ada", "bob"):
            fixtures.account(name, email="both@example.org", confirmed_email="both@example.org")
        shop.mails.ask_for_reset("both@example.org")
        messages = _sent(shop, postbox) + _sent(shop, postbox)
        assert sorted(message.username for message in messages) == ["ada", "bob"]
        assert len({message.id for message in messages}) == len({message.code for message in messages}) == 2
        for message in messages:
            shop.accounts.reset_password(message.code, OTHER)
        assert shop.mails.waiting(SYSTEM) == (0, None)

    @pytest.mark.parametrize("refused", ["ada", "bob"])
    def test_an_account_whose_mail_is_refused_holds_up_no_other_one_of_its_address(
        self, shop: Shop, postbox: Postbox, fixtures: Fixtures, clock: MovableClock, refused: str
    ) -> None:
        names = ["ada", "bob", "cat"]
        for name in names:
            fixtures.account(name, email="all@example.org", confirmed_email="all@example.org")
        shop.mails.ask_for_reset("all@example.org")
        postbox.refused_names = {refused}
        for _ in range(5):
            _sent(shop, postbox)
            clock.move(timedelta(seconds=10))
        assert sorted(message.username for message in postbox.messages) == [name for name in names if name != refused]
        postbox.refused_names = set()
        clock.move(timedelta(minutes=1))
        assert [message.username for message in _sent(shop, postbox)] == [refused]

    def test_a_mail_that_is_added_again_is_there_once(self, adapters: Adapters, shop: Shop) -> None:
        mail = Mail(adapters.new_id(), MailKind.PASSWORD_RESET, shop.now(), address="ada@example.org")
        for _ in range(2):
            with adapters.begin() as uow:
                uow.mails.add_all([mail])
        assert shop.mails.waiting(SYSTEM)[0] == 1

    def test_an_address_that_many_had_and_left_is_still_that_of_its_owner(
        self, shop: Shop, postbox: Postbox, fixtures: Fixtures
    ) -> None:
        for number in range(ACCOUNTS_MAX):
            fixtures.account(f"old{number}", email=f"{number}@example.org", confirmed_email="ada@example.org")
        fixtures.account("ada", email="ada@example.org", confirmed_email="ada@example.org")
        shop.mails.ask_for_reset("ada@example.org")
        assert [message.username for message in _sent(shop, postbox)] == ["ada"]

    def test_so_many_mails_go_to_one_address_whether_it_is_known_or_not(
        self, shop: Shop, postbox: Postbox, clock: MovableClock
    ) -> None:
        for _ in range(MAIL_TO_ADDRESS.capacity):
            shop.mails.ask_for_reset("nobody@example.org")
        with pytest.raises(TooManyMails):
            shop.mails.ask_for_reset("Nobody@example.org")
        clock.move(timedelta(seconds=MAIL_TO_ADDRESS.refill_s))
        shop.mails.ask_for_reset("nobody@example.org")

    def test_nobody_fills_postboxes_of_others_by_registering(self, shop: Shop, postbox: Postbox) -> None:
        for number in range(MAIL_TO_ADDRESS.capacity + 2):
            shop.accounts.register(Registration(f"mallory{number}", PASSWORD, "Ada@Example.org"))
        assert len(_sent(shop, postbox)) == MAIL_TO_ADDRESS.capacity

    def test_a_code_that_nobody_waits_for_any_more_is_not_made(
        self, shop: Shop, postbox: Postbox, clock: MovableClock
    ) -> None:
        _confirmed(shop, postbox)
        shop.mails.ask_for_reset("ada@example.org")
        clock.move(ASKED_FOR)
        assert _sent(shop, postbox) == []
        (dead,) = shop.mails.dead(SYSTEM, OffsetRequest()).items
        assert "more than an hour ago" in dead.error

    def test_a_mail_that_is_refused_is_sent_again_with_the_same_id_and_given_up_when_it_is_final(
        self, shop: Shop, postbox: Postbox, clock: MovableClock
    ) -> None:
        _registered(shop)
        postbox.refusal = Undelivered("450 busy")
        assert _sent(shop, postbox) == []
        postbox.refusal = Undelivered("550 no such user", is_final=True)
        assert shop.mails.send(postbox) == 0, "it waits"
        clock.move(timedelta(seconds=1))
        assert _sent(shop, postbox) == []
        (dead,) = shop.mails.dead(SYSTEM, OffsetRequest()).items
        assert (dead.attempts, dead.error) == (2, "550 no such user")
        postbox.refusal = None
        assert shop.mails.requeue(SYSTEM, [dead.event.id]) == 1
        assert len(_sent(shop, postbox)) == 1
        assert len({message.id for message in postbox.tried}) == 1
        assert len(postbox.tried) == 3

    def test_mails_of_a_person_who_leaves_are_not_sent(self, shop: Shop, postbox: Postbox) -> None:
        ada = _confirmed(shop, postbox)
        shop.mails.ask_for_reset("ADA@example.org")
        bob = shop.accounts.register(Registration("bob", PASSWORD, "bob@example.org"))
        assert shop.mails.waiting(SYSTEM)[0] == 2
        shop.privacy.erase_me(ada.actor, PASSWORD)
        assert [message.to for message in _sent(shop, postbox)] == [bob.email]

    def test_mails_of_others_stay_when_somebody_leaves_who_gave_their_address(
        self, shop: Shop, postbox: Postbox
    ) -> None:
        ada = _confirmed(shop, postbox)
        bob = shop.accounts.register(Registration("bob", PASSWORD, "ADA@example.org"))
        shop.mails.ask_for_reset(ada.email)
        mallory = shop.accounts.register(Registration("mallory", PASSWORD, ada.email))
        shop.privacy.erase_me(mallory.actor, PASSWORD)
        assert {(each.kind, each.username) for each in _sent(shop, postbox)} == {
            (MailKind.PASSWORD_RESET, "ada"),
            (MailKind.EMAIL_CONFIRMATION, bob.username),
        }

    @pytest.mark.parametrize("is_active", [True, False])
    def test_mails_of_others_stay_when_an_account_with_the_same_confirmed_address_leaves(
        self, shop: Shop, postbox: Postbox, fixtures: Fixtures, is_active: bool
    ) -> None:
        address = "both@example.org"
        _, bob = (fixtures.account(name, email=address, confirmed_email=address) for name in ("ada", "bob"))
        shop.accounts.assign(SYSTEM, bob.id, AccountStatusChange(active=is_active))
        shop.mails.ask_for_reset(address)
        shop.privacy.erase(SYSTEM, bob.id)
        assert [message.username for message in _sent(shop, postbox)] == ["ada"]

    def test_a_mail_of_an_order_that_is_not_true_any_more_is_not_sent(
        self, shop: Shop, postbox: Postbox, fixtures: Fixtures
    ) -> None:
        ada, lamp = _confirmed(shop, postbox), fixtures.product(units=9)
        kept, cancelled, deleted = (shop.orders.place(request(ada.actor, (lamp, 1))) for _ in range(3))
        shop.orders.confirm(SYSTEM, kept.id)
        shop.orders.cancel(SYSTEM, cancelled.id)
        shop.orders.delete(ada.actor, cancelled.id)
        shop.orders.delete(ada.actor, deleted.id)
        events = [shop.orders.events(SYSTEM, each.id, CursorRequest()).items for each in (kept, cancelled, deleted)]
        with fixtures.begin() as uow:
            uow.mails.add_all(mails_about(list(chain(*events))))
        sent = [(message.kind, message.order.id) for message in _sent(shop, postbox) if message.order]
        assert sorted(sent) == sorted([(MailKind.ORDER_PLACED, kept.id), (MailKind.ORDER_CANCELLED, cancelled.id)])
        assert shop.mails.waiting(SYSTEM)[0] == 0, "and does not wait for ever"

    def test_two_senders_do_not_take_one_mail(self, fixtures: Fixtures, clock: MovableClock) -> None:
        mails = [Mail(fixtures.new_id(), MailKind.PASSWORD_RESET, clock(), address="ada@example.org") for _ in range(3)]
        with fixtures.begin() as uow:
            uow.mails.add_all(mails)
        taken = _take(fixtures, clock, 2)
        assert [queued.event for queued in taken] == mails[:2]
        with fixtures.begin() as uow:
            uow.mails.delivered([mails[0].id])
        assert [queued.event for queued in _take(fixtures, clock, 9)] == mails[2:]
        clock.move(VISIBILITY_TIMEOUT)
        assert [queued.event for queued in _take(fixtures, clock, 9)] == mails[1:]

    def test_a_shop_without_mail_says_so_and_keeps_none(self, adapters: Adapters) -> None:
        quiet = Shop(cast("Adapters", Altered(adapters, has_mail=False)))
        ada = _registered(quiet)
        with pytest.raises(NoMail):
            quiet.mails.ask_for_reset(ada.email)
        with pytest.raises(NoMail):
            quiet.mails.ask_for_confirmation(ada.actor)
        assert quiet.mails.waiting(SYSTEM) == (0, None)


def _registered(shop: Shop) -> Account:
    return shop.accounts.register(Registration("ada", PASSWORD, "Ada@Example.org"))


def _confirmed(shop: Shop, postbox: Postbox) -> Account:
    ada = _registered(shop)
    (message,) = _sent(shop, postbox)
    shop.mails.confirm(message.code)
    return shop.accounts.me(ada.actor)


def _logged_in(shop: Shop) -> Actor:
    return shop.sessions.authenticate(shop.sessions.log_in("ada", PASSWORD).access)


def _sent(shop: Shop, postbox: Postbox) -> list[MailMessage]:
    """The messages that go out now."""
    known = len(postbox.messages)
    shop.mails.send(postbox)
    return postbox.messages[known:]


def _take(fixtures: Fixtures, clock: MovableClock, limit: int) -> list[Queued[Mail]]:
    with fixtures.begin() as uow:
        return uow.mails.take(clock(), limit, VISIBILITY_TIMEOUT)
