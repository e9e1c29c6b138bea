from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...types import Response, UNSET
from ... import errors

from ...models.invalid_problem import InvalidProblem
from ...models.problem import Problem
from ...models.reservation_page import ReservationPage
from ...types import UNSET, Unset
from typing import cast
from uuid import UUID



def _get_kwargs(
    *,
    limit: int | Unset = UNSET,
    cursor: str | Unset = UNSET,
    customer: UUID | Unset = UNSET,
    active: bool | Unset = UNSET,

) -> dict[str, Any]:
    

    

    params: dict[str, Any] = {}

    params["limit"] = limit

    params["cursor"] = cursor

    json_customer: str | Unset = UNSET
    if not isinstance(customer, Unset):
        json_customer = str(customer)
    params["customer"] = json_customer

    params["active"] = active


    params = {k: ",".join(v) if isinstance(v, list) else v for k, v in params.items() if v is not UNSET and v is not None}


    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v1/reservations",
        "params": params,
    }


    return _kwargs



def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> InvalidProblem | Problem | ReservationPage | None:
    if response.status_code == 200:
        response_200 = ReservationPage.from_dict(response.json())



        return response_200

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


def _build_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Response[InvalidProblem | Problem | ReservationPage]:
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
    cursor: str | Unset = UNSET,
    customer: UUID | Unset = UNSET,
    active: bool | Unset = UNSET,

) -> Response[InvalidProblem | Problem | ReservationPage]:
    """ Your reservations, newest first; everybody's for staff

     `active=true` leaves out those that were confirmed or released or have expired.

    Args:
        limit (int | Unset):
        cursor (str | Unset):
        customer (UUID | Unset):
        active (bool | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[InvalidProblem | Problem | ReservationPage]
     """


    kwargs = _get_kwargs(
        limit=limit,
cursor=cursor,
customer=customer,
active=active,

    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)

def sync(
    *,
    client: AuthenticatedClient,
    limit: int | Unset = UNSET,
    cursor: str | Unset = UNSET,
    customer: UUID | Unset = UNSET,
    active: bool | Unset = UNSET,

) -> InvalidProblem | Problem | ReservationPage | None:
    """ Your reservations, newest first; everybody's for staff

     `active=true` leaves out those that were confirmed or released or have expired.

    Args:
        limit (int | Unset):
        cursor (str | Unset):
        customer (UUID | Unset):
        active (bool | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        InvalidProblem | Problem | ReservationPage
     """


    return sync_detailed(
        client=client,
limit=limit,
cursor=cursor,
customer=customer,
active=active,

    ).parsed

async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    limit: int | Unset = UNSET,
    cursor: str | Unset = UNSET,
    customer: UUID | Unset = UNSET,
    active: bool | Unset = UNSET,

) -> Response[InvalidProblem | Problem | ReservationPage]:
    """ Your reservations, newest first; everybody's for staff

     `active=true` leaves out those that were confirmed or released or have expired.

    Args:
        limit (int | Unset):
        cursor (str | Unset):
        customer (UUID | Unset):
        active (bool | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[InvalidProblem | Problem | ReservationPage]
     """


    kwargs = _get_kwargs(
        limit=limit,
cursor=cursor,
customer=customer,
active=active,

    )

    response = await client.get_async_httpx_client().request(
        **kwargs
    )

    return _build_response(client=client, response=response)

async def asyncio(
    *,
    client: AuthenticatedClient,
    limit: int | Unset = UNSET,
    cursor: str | Unset = UNSET,
    customer: UUID | Unset = UNSET,
    active: bool | Unset = UNSET,

) -> InvalidProblem | Problem | ReservationPage | None:
    """ Your reservations, newest first; everybody's for staff

     `active=true` leaves out those that were confirmed or released or have expired.

    Args:
        limit (int | Unset):
        cursor (str | Unset):
        customer (UUID | Unset):
        active (bool | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        InvalidProblem | Problem | ReservationPage
     """


    return (await asyncio_detailed(
        client=client,
limit=limit,
cursor=cursor,
customer=customer,
active=active,

    )).parsed
