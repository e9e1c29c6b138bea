from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...types import Response, UNSET
from ... import errors

from ...models.invalid_problem import InvalidProblem
from ...models.order_page import OrderPage
from ...models.order_status import OrderStatus
from ...models.problem import Problem
from ...types import UNSET, Unset
from typing import cast
from uuid import UUID
import datetime



def _get_kwargs(
    *,
    limit: int | Unset = UNSET,
    page: int | Unset = UNSET,
    offset: int | Unset = UNSET,
    cursor: str | Unset = UNSET,
    ids: list[UUID] | Unset = UNSET,
    customer: UUID | Unset = UNSET,
    status: OrderStatus | Unset = UNSET,
    placed_from: datetime.datetime | Unset = UNSET,
    placed_before: datetime.datetime | Unset = UNSET,
    number: str | Unset = UNSET,
    if_none_match: str | Unset = UNSET,

) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(if_none_match, Unset):
        headers["If-None-Match"] = if_none_match



    

    params: dict[str, Any] = {}

    params["limit"] = limit

    params["page"] = page

    params["offset"] = offset

    params["cursor"] = cursor

    json_ids: list[str] | Unset = UNSET
    if not isinstance(ids, Unset):
        json_ids = []
        for ids_item_data in ids:
            ids_item = str(ids_item_data)
            json_ids.append(ids_item)


    params["ids"] = json_ids

    json_customer: str | Unset = UNSET
    if not isinstance(customer, Unset):
        json_customer = str(customer)
    params["customer"] = json_customer

    json_status: str | Unset = UNSET
    if not isinstance(status, Unset):
        json_status = status.value

    params["status"] = json_status

    json_placed_from: str | Unset = UNSET
    if not isinstance(placed_from, Unset):
        json_placed_from = placed_from.isoformat()
    params["placed_from"] = json_placed_from

    json_placed_before: str | Unset = UNSET
    if not isinstance(placed_before, Unset):
        json_placed_before = placed_before.isoformat()
    params["placed_before"] = json_placed_before

    params["number"] = number


    params = {k: ",".join(v) if isinstance(v, list) else v for k, v in params.items() if v is not UNSET and v is not None}


    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v1/orders",
        "params": params,
    }


    _kwargs["headers"] = headers
    return _kwargs



def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Any | InvalidProblem | OrderPage | Problem | None:
    if response.status_code == 200:
        response_200 = OrderPage.from_dict(response.json())



        return response_200

    if response.status_code == 304:
        response_304 = cast(Any, None)
        return response_304

    if response.status_code == 400:
        response_400 = InvalidProblem.from_dict(response.json())



        return response_400

    if response.status_code == 401:
        response_401 = Problem.from_dict(response.json())



        return response_401

    if response.status_code == 403:
        response_403 = Problem.from_dict(response.json())



        return response_403

    if response.status_code == 429:
        response_429 = Problem.from_dict(response.json())



        return response_429

    if response.status_code == 500:
        response_500 = Problem.from_dict(response.json())



        return response_500

    if response.status_code == 503:
        response_503 = Problem.from_dict(response.json())



        return response_503

    if client.raise_on_unexpected_status:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    else:
        return None


def _build_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Response[Any | InvalidProblem | OrderPage | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    limit: int | Unset = UNSET,
    page: int | Unset = UNSET,
    offset: int | Unset = UNSET,
    cursor: str | Unset = UNSET,
    ids: list[UUID] | Unset = UNSET,
    customer: UUID | Unset = UNSET,
    status: OrderStatus | Unset = UNSET,
    placed_from: datetime.datetime | Unset = UNSET,
    placed_before: datetime.datetime | Unset = UNSET,
    number: str | Unset = UNSET,
    if_none_match: str | Unset = UNSET,

) -> Response[Any | InvalidProblem | OrderPage | Problem]:
    """ Your orders, newest first; everybody's for staff

     Staff also see orders that their customers deleted; those have `deleted_at`.

    Args:
        limit (int | Unset):
        page (int | Unset):
        offset (int | Unset):
        cursor (str | Unset):
        ids (list[UUID] | Unset):
        customer (UUID | Unset):
        status (OrderStatus | Unset): Where an order stands.
        placed_from (datetime.datetime | Unset):
        placed_before (datetime.datetime | Unset):
        number (str | Unset):
        if_none_match (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | InvalidProblem | OrderPage | Problem]
     """


    kwargs = _get_kwargs(
        limit=limit,
page=page,
offset=offset,
cursor=cursor,
ids=ids,
customer=customer,
status=status,
placed_from=placed_from,
placed_before=placed_before,
number=number,
if_none_match=if_none_match,

    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)

def sync(
    *,
    client: AuthenticatedClient,
    limit: int | Unset = UNSET,
    page: int | Unset = UNSET,
    offset: int | Unset = UNSET,
    cursor: str | Unset = UNSET,
    ids: list[UUID] | Unset = UNSET,
    customer: UUID | Unset = UNSET,
    status: OrderStatus | Unset = UNSET,
    placed_from: datetime.datetime | Unset = UNSET,
    placed_before: datetime.datetime | Unset = UNSET,
    number: str | Unset = UNSET,
    if_none_match: str | Unset = UNSET,

) -> Any | InvalidProblem | OrderPage | Problem | None:
    """ Your orders, newest first; everybody's for staff

     Staff also see orders that their customers deleted; those have `deleted_at`.

    Args:
        limit (int | Unset):
        page (int | Unset):
        offset (int | Unset):
        cursor (str | Unset):
        ids (list[UUID] | Unset):
        customer (UUID | Unset):
        status (OrderStatus | Unset): Where an order stands.
        placed_from (datetime.datetime | Unset):
        placed_before (datetime.datetime | Unset):
        number (str | Unset):
        if_none_match (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | InvalidProblem | OrderPage | Problem
     """


    return sync_detailed(
        client=client,
limit=limit,
page=page,
offset=offset,
cursor=cursor,
ids=ids,
customer=customer,
status=status,
placed_from=placed_from,
placed_before=placed_before,
number=number,
if_none_match=if_none_match,

    ).parsed

async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    limit: int | Unset = UNSET,
    page: int | Unset = UNSET,
    offset: int | Unset = UNSET,
    cursor: str | Unset = UNSET,
    ids: list[UUID] | Unset = UNSET,
    customer: UUID | Unset = UNSET,
    status: OrderStatus | Unset = UNSET,
    placed_from: datetime.datetime | Unset = UNSET,
    placed_before: datetime.datetime | Unset = UNSET,
    number: str | Unset = UNSET,
    if_none_match: str | Unset = UNSET,

) -> Response[Any | InvalidProblem | OrderPage | Problem]:
    """ Your orders, newest first; everybody's for staff

     Staff also see orders that their customers deleted; those have `deleted_at`.

    Args:
        limit (int | Unset):
        page (int | Unset):
        offset (int | Unset):
        cursor (str | Unset):
        ids (list[UUID] | Unset):
        customer (UUID | Unset):
        status (OrderStatus | Unset): Where an order stands.
        placed_from (datetime.datetime | Unset):
        placed_before (datetime.datetime | Unset):
        number (str | Unset):
        if_none_match (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | InvalidProblem | OrderPage | Problem]
     """


    kwargs = _get_kwargs(
        limit=limit,
page=page,
offset=offset,
cursor=cursor,
ids=ids,
customer=customer,
status=status,
placed_from=placed_from,
placed_before=placed_before,
number=number,
if_none_match=if_none_match,

    )

    response = await client.get_async_httpx_client().request(
        **kwargs
    )

    return _build_response(client=client, response=response)

async def asyncio(
    *,
    client: AuthenticatedClient,
    limit: int | Unset = UNSET,
    page: int | Unset = UNSET,
    offset: int | Unset = UNSET,
    cursor: str | Unset = UNSET,
    ids: list[UUID] | Unset = UNSET,
    customer: UUID | Unset = UNSET,
    status: OrderStatus | Unset = UNSET,
    placed_from: datetime.datetime | Unset = UNSET,
    placed_before: datetime.datetime | Unset = UNSET,
    number: str | Unset = UNSET,
    if_none_match: str | Unset = UNSET,

) -> Any | InvalidProblem | OrderPage | Problem | None:
    """ Your orders, newest first; everybody's for staff

     Staff also see orders that their customers deleted; those have `deleted_at`.

    Args:
        limit (int | Unset):
        page (int | Unset):
        offset (int | Unset):
        cursor (str | Unset):
        ids (list[UUID] | Unset):
        customer (UUID | Unset):
        status (OrderStatus | Unset): Where an order stands.
        placed_from (datetime.datetime | Unset):
        placed_before (datetime.datetime | Unset):
        number (str | Unset):
        if_none_match (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | InvalidProblem | OrderPage | Problem
     """


    return (await asyncio_detailed(
        client=client,
limit=limit,
page=page,
offset=offset,
cursor=cursor,
ids=ids,
customer=customer,
status=status,
placed_from=placed_from,
placed_before=placed_before,
number=number,
if_none_match=if_none_match,

    )).parsed
