from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...types import Response, UNSET
from ... import errors

from ...models.invalid_problem import InvalidProblem
from ...models.personal_data_body import PersonalDataBody
from ...models.problem import Problem
from ...types import UNSET, Unset
from typing import cast



def _get_kwargs(
    *,
    cursor: str | Unset = UNSET,

) -> dict[str, Any]:
    

    

    params: dict[str, Any] = {}

    params["cursor"] = cursor


    params = {k: ",".join(v) if isinstance(v, list) else v for k, v in params.items() if v is not UNSET and v is not None}


    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v1/users/me/data",
        "params": params,
    }


    return _kwargs



def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> InvalidProblem | PersonalDataBody | Problem | None:
    if response.status_code == 200:
        response_200 = PersonalDataBody.from_dict(response.json())



        return response_200

    if response.status_code == 400:
        response_400 = InvalidProblem.from_dict(response.json())



        return response_400

    if response.status_code == 401:
        response_401 = Problem.from_dict(response.json())



        return response_401

    if response.status_code == 404:
        response_404 = Problem.from_dict(response.json())



        return response_404

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


def _build_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Response[InvalidProblem | PersonalDataBody | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    cursor: str | Unset = UNSET,

) -> Response[InvalidProblem | PersonalDataBody | Problem]:
    """ Everything that is stored about you

     Your account, your sessions, your orders with their lines, timelines and uses of promotions, also
    deleted ones, and your reservations. A page has up to 20 orders and 20 reservations: follow `next`
    to the end.

    Args:
        cursor (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[InvalidProblem | PersonalDataBody | Problem]
     """


    kwargs = _get_kwargs(
        cursor=cursor,

    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)

def sync(
    *,
    client: AuthenticatedClient,
    cursor: str | Unset = UNSET,

) -> InvalidProblem | PersonalDataBody | Problem | None:
    """ Everything that is stored about you

     Your account, your sessions, your orders with their lines, timelines and uses of promotions, also
    deleted ones, and your reservations. A page has up to 20 orders and 20 reservations: follow `next`
    to the end.

    Args:
        cursor (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        InvalidProblem | PersonalDataBody | Problem
     """


    return sync_detailed(
        client=client,
cursor=cursor,

    ).parsed

async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    cursor: str | Unset = UNSET,

) -> Response[InvalidProblem | PersonalDataBody | Problem]:
    """ Everything that is stored about you

     Your account, your sessions, your orders with their lines, timelines and uses of promotions, also
    deleted ones, and your reservations. A page has up to 20 orders and 20 reservations: follow `next`
    to the end.

    Args:
        cursor (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[InvalidProblem | PersonalDataBody | Problem]
     """


    kwargs = _get_kwargs(
        cursor=cursor,

    )

    response = await client.get_async_httpx_client().request(
        **kwargs
    )

    return _build_response(client=client, response=response)

async def asyncio(
    *,
    client: AuthenticatedClient,
    cursor: str | Unset = UNSET,

) -> InvalidProblem | PersonalDataBody | Problem | None:
    """ Everything that is stored about you

     Your account, your sessions, your orders with their lines, timelines and uses of promotions, also
    deleted ones, and your reservations. A page has up to 20 orders and 20 reservations: follow `next`
    to the end.

    Args:
        cursor (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        InvalidProblem | PersonalDataBody | Problem
     """


    return (await asyncio_detailed(
        client=client,
cursor=cursor,

    )).parsed
