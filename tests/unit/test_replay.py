"""Reading a year of a real shop: a small year with every kind of dirt that the real one has."""

from __future__ import annotations

import lzma
import threading
import time
from collections import Counter, defaultdict
from decimal import Decimal
from pathlib import Path

import pytest
from benchmarks.real_year.events import GUEST, Cancellation, Correction, Order, Year, read_rows, year_of
from benchmarks.real_year.parallel import OrderedJobs
from hypothesis import given
from hypothesis import strategies as st

HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
ORDINARY = """\
100,MUG,RED MUG,6,2010-12-01 08:00:00,2.50,17850.0,UK
100,mug,blue mug,2,2010-12-01 08:00:00,3.00,17850.0,UK
100,MUG,RED MUG,4,2010-12-01 08:00:00,2.50,17850.0,UK
100,POST,POSTAGE,1,2010-12-01 08:00:00,18.00,17850.0,UK
"""


def year_from(tmp_path: Path, text: str, *, invoices_max: int | None = None) -> Year:
    path = tmp_path / "year.csv"
    path.write_text(HEADER + text)
    year = year_of(read_rows(path), invoices_max=invoices_max)
    assert year.faults() == []
    return year


def test_an_invoice_is_an_order_with_its_rows_as_lines_and_without_postage(tmp_path: Path) -> None:
    year = year_from(tmp_path, ORDINARY)
    assert year.events == [Order("100", "17850", (("MUG", 6), ("mug", 2), ("MUG", 4)))]
    assert year.orders[0].requested == {"MUG": 10, "mug": 2}
    assert dict(year.rows_left_out.counts) == {"no goods: postage, fees, discounts, samples": 1}
    assert (year.invoices, year.rows) == (1, 4)


def test_a_product_has_its_commonest_name_and_price_and_no_remarks_of_the_warehouse(tmp_path: Path) -> None:
    year = year_from(
        tmp_path,
        "1,MUG,RED MUG,1,2010-12-01 08:00:00,2.50,1.0,UK\n"
        "2,MUG,RED MUG,1,2010-12-02 08:00:00,4.00,1.0,UK\n"
        "3,MUG,MUG RED,1,2010-12-03 08:00:00,4.0,1.0,UK\n"
        "4,MUG,damaged,-1,2010-12-03 08:00:00,0.0,,UK\n"
        "5,MUG,damaged,-1,2010-12-03 08:00:00,0.0,,UK\n"
        "6,MUG,damaged,-1,2010-12-03 08:00:00,0.0,,UK\n"
        "7,PADS,PADS,5,2010-12-03 08:00:00,0.001,1.0,UK\n"
        "8,LOST,,-5,2010-12-03 08:00:00,0.0,,UK\n",
    )
    assert (year.goods["MUG"].name, year.goods["MUG"].price) == ("RED MUG", Decimal("4.00"))
    assert year.goods["PADS"].price == 0, "a tenth of a cent is no price"
    assert year.goods["LOST"].name == "LOST", "nothing describes it but its code"


def test_invoices_without_a_customer_are_orders_of_the_guest(tmp_path: Path) -> None:
    year = year_from(
        tmp_path,
        "1,MUG,RED MUG,1,2010-12-01 08:00:00,2.50,,UK\n2,MUG,RED MUG,1,2010-12-02 08:00:00,2.50,,UK\n",
    )
    assert [(order.invoice, order.customer) for order in year.orders] == [("1", GUEST), ("2", GUEST)]
    assert year.customers == [GUEST]


def test_a_cancellation_of_a_whole_order_cancels_it_once(tmp_path: Path) -> None:
    year = year_from(
        tmp_path,
        ORDINARY
        + "C101,mug,blue mug,-2,2010-12-02 08:00:00,3.00,17850.0,UK\n"
        + "C101,MUG,RED MUG,-10,2010-12-02 08:00:00,2.50,17850.0,UK\n"
        + "C101,POST,POSTAGE,-1,2010-12-02 08:00:00,18.00,17850.0,UK\n"
        + "C102,mug,blue mug,-2,2010-12-03 08:00:00,3.00,17850.0,UK\n"
        + "C102,MUG,RED MUG,-10,2010-12-03 08:00:00,2.50,17850.0,UK\n",
    )
    assert year.events[1:] == [Cancellation("C101", "17850", "100", rows=2)]
    assert year.invoices_left_out.examples == {
        "cancellation that matches no order: part of one, or before the year": "C102"
    }


@pytest.mark.parametrize(
    "row",
    [
        "C99,MUG,RED MUG,-10,2010-12-02 08:00:00,2.50,17850.0,UK",
        "C99,MUG,RED MUG,-10,2010-12-02 08:00:00,2.50,17851.0,UK",
        "C99,MUG,RED MUG,-10,2010-11-30 08:00:00,2.50,17850.0,UK",
        "C99,POST,POSTAGE,-1,2010-12-02 08:00:00,18.00,17850.0,UK",
    ],
    ids=["a part", "another customer", "before the order", "postage only"],
)
def test_any_other_cancellation_is_left_out(tmp_path: Path, row: str) -> None:
    year = year_from(tmp_path, ORDINARY + row + "\n")
    assert [type(event) for event in year.events] == [Order]
    assert list(year.invoices_left_out.examples.values()) == ["C99"]


def test_the_latest_of_two_orders_that_are_alike_is_cancelled(tmp_path: Path) -> None:
    row = "MUG,RED MUG,{},2010-12-0{} 08:00:00,2.50,1.0,UK\n"
    year = year_from(
        tmp_path,
        "".join(
            [f"1,{row.format(5, 1)}", f"2,{row.format(5, 2)}", f"C3,{row.format(-5, 3)}", f"C4,{row.format(-5, 4)}"]
        ),
    )
    assert [event.order for event in year.events if isinstance(event, Cancellation)] == ["2", "1"]


def test_units_lost_and_found_are_stock_corrections(tmp_path: Path) -> None:
    year = year_from(
        tmp_path,
        "1,MUG,damaged,-7,2010-12-01 08:00:00,0.0,,UK\n"
        "2,MUG,found,3,2010-12-01 09:00:00,0.0,,UK\n"
        "3,MUG,check,3,2010-12-01 10:00:00,0.0,,UK\n"
        "3,MUG,check,-3,2010-12-01 10:00:00,0.0,,UK\n",
    )
    assert year.events == [
        Correction("1", (("MUG", -7),), "damaged", rows=1),
        Correction("2", (("MUG", 3),), "found", rows=1),
    ]
    assert dict(year.invoices_left_out.examples) == {"a stock correction that comes to nothing": "3"}


def test_goods_given_to_a_customer_for_nothing_are_sold(tmp_path: Path) -> None:
    year = year_from(tmp_path, "1,MUG,RED MUG,1,2010-12-01 08:00:00,0.0,12345.0,UK\n")
    assert year.events == [Order("1", "12345", (("MUG", 1),))]


def test_rows_that_are_no_sales_are_left_out_with_a_reason(tmp_path: Path) -> None:
    year = year_from(
        tmp_path,
        ORDINARY
        + "A200,B,Adjust bad debt,1,2010-12-02 08:00:00,-11062.06,,UK\n"
        + "201,BANK CHARGES,Bank Charges,1,2010-12-02 08:00:00,15.00,,UK\n"
        + "202,m,Manual,1,2010-12-02 08:00:00,15.00,,UK\n"
        + "203,MUG,RED MUG,0,2010-12-02 08:00:00,2.50,1.0,UK\n"
        + "203,MUG,RED MUG,-2,2010-12-02 08:00:00,2.50,1.0,UK\n"
        + "203,MUG,RED MUG,5,2010-12-02 08:00:00,2.50,1.0,UK\n"
        + "204,MUG,RED MUG,many,2010-12-02 08:00:00,2.50,1.0,UK\n"
        + "204,MUG,RED MUG,1,yesterday,2.50,1.0,UK\n"
        + "204,MUG,RED MUG,1,2010-12-02 08:00:00,NaN,1.0,UK\n"
        + "204,MUG\n"
        + "205,MUG,RED MUG,1000001,2010-12-02 08:00:00,2.50,1.0,UK\n"
        + "".join("206,MUG,RED MUG,1,2010-12-02 08:00:00,2.50,1.0,UK\n" for _ in range(2001)),
    )
    assert [event.invoice for event in year.events] == ["100", "203"]
    assert year.orders[1].lines == (("MUG", 5),)
    assert dict(year.invoices_left_out.counts) == {
        "accounting adjustment": 1,
        "nothing but postage, fees, discounts, samples": 2,
        "more than 1,000,000 units of one product": 1,
        "more than 2,000 lines": 1,
    }
    assert dict(year.rows_left_out.counts) == {
        "cannot be read": 4,
        "no goods: postage, fees, discounts, samples": 3,
        "accounting adjustment": 1,
        "a quantity of 0": 1,
        "a negative quantity in a sale": 1,
        "more than 1,000,000 units of one product": 1,
        "more than 2,000 lines": 2001,
    }


def test_events_come_in_the_order_of_their_dates_and_can_be_cut_off(tmp_path: Path) -> None:
    text = "".join(f"{day},MUG,RED MUG,{day},2010-12-0{day} 08:00:00,2.50,1.0,UK\n" for day in (3, 1, 2))
    assert [event.invoice for event in year_from(tmp_path, text).events] == ["1", "2", "3"]
    year = year_from(tmp_path, text, invoices_max=2)
    assert [event.invoice for event in year.events] == ["1", "2"]
    assert year.stock_needed() == {"MUG": 3}


def test_enough_stock_is_asked_for_to_serve_every_order_whatever_happens_first(tmp_path: Path) -> None:
    year = year_from(
        tmp_path,
        ORDINARY
        + "101,MUG,damaged,-7,2010-12-01 09:00:00,0.0,,UK\n"
        + "102,MUG,found,50,2010-12-01 09:00:00,0.0,,UK\n"
        + "C103,MUG,RED MUG,-10,2010-12-02 08:00:00,2.50,17850.0,UK\n",
    )
    assert year.stock_needed() == {"MUG": 17, "mug": 2}


def test_a_packed_year_is_the_same_year(tmp_path: Path) -> None:
    path = tmp_path / "year.csv.xz"
    path.write_bytes(lzma.compress(("\ufeff" + HEADER + ORDINARY).encode()))
    assert year_of(read_rows(path)).events == year_from(tmp_path, ORDINARY).events


def test_a_file_with_other_columns_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "year.csv"
    path.write_text("sku,name,price\n")
    with pytest.raises(ValueError, match=r"year\.csv has no column InvoiceNo, StockCode"):
        list(read_rows(path))


# ---- who works at what

rows = st.builds(
    "{},{},x,{},2010-12-0{} 08:00:00,{},{},UK\n".format,
    st.sampled_from(["1", "2", "3", "C4", "C5", "C6", "A7"]),
    st.sampled_from(["MUG", "mug", "POST", "CUP", ""]),
    st.integers(-2, 2) | st.just(1_000_001),
    st.integers(1, 9),
    st.sampled_from(["0.0", "2.50", "0.001", "-1", "x"]),
    st.sampled_from(["", "1.0", "2.0"]),
)


@given(st.lists(rows, max_size=30), st.none() | st.integers(1, 5))
def test_every_invoice_and_row_of_any_year_is_accounted_for_once(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], invoices_max: int | None
) -> None:
    year = year_from(tmp_path_factory.mktemp("year"), "".join(lines), invoices_max=invoices_max)
    on_hand = year.stock_needed()
    for event in year.events:
        if isinstance(event, Order):
            for sku, units in event.requested.items():
                on_hand[sku] -= units
        elif isinstance(event, Correction):
            for sku, change in event.changes:
                on_hand[sku] += min(0, change)
    assert all(units == 0 for units in on_hand.values()), "just enough, if nothing comes back and nothing is found"


def test_clients_share_the_work_but_never_one_customer_and_keep_their_order() -> None:
    jobs = [(customer, number) for number in range(60) for customer in ("ada", "ada", "ben", number)]
    queues: OrderedJobs[tuple[int, tuple[object, int]]] = OrderedJobs(enumerate(jobs), queue_of=lambda job: job[1][0])
    busy: Counter[object] = Counter()
    seen: dict[object, list[int]] = defaultdict(list)
    overlaps: list[object] = []

    def client() -> None:
        for index, (customer, _) in queues.walk():
            busy[customer] += 1
            if busy[customer] > 1:
                overlaps.append(customer)
            time.sleep(0.0002)
            seen[customer].append(index)
            busy[customer] -= 1

    threads = [threading.Thread(target=client) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert overlaps == []
    assert all(indexes == sorted(indexes) for indexes in seen.values())
    assert sum(map(len, seen.values())) == len(jobs)
