from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...types import Response, UNSET
from ... import errors

from ...models.invalid_problem import InvalidProblem
from ...models.problem import Problem
from ...models.quote_body import QuoteBody
from ...models.quote_form import QuoteForm
from typing import cast



def _get_kwargs(
    *,
    body: QuoteForm,

) -> dict[str, Any]:
    headers: dict[str, Any] = {}


    

    

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/api/v1/orders/quote",
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs



def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> InvalidProblem | Problem | QuoteBody | None:
    if response.status_code == 200:
        response_200 = QuoteBody.from_dict(response.json())



        return response_200

    if response.status_code == 400:
        response_400 = InvalidProblem.from_dict(response.json())



        return response_400

    if response.status_code == 401:
        response_401 = Problem.from_dict(response.json())



        return response_401

    if response.status_code == 408:
        response_408 = Problem.from_dict(response.json())



        return response_408

    if response.status_code == 409:
        response_409 = Problem.from_dict(response.json())



        return response_409

    if response.status_code == 413:
        response_413 = Problem.from_dict(response.json())



        return response_413

    if response.status_code == 415:
        response_415 = Problem.from_dict(response.json())



        return response_415

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


def _build_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Response[InvalidProblem | Problem | QuoteBody]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    body: QuoteForm,

) -> Response[InvalidProblem | Problem | QuoteBody]:
    """ What an order would cost now, and why

     Nothing is written and nothing is promised. `promotions` says of each promotion that you could use
    whether it applies, and if not, why and what is missing. Send `total` as `expected_total` when you
    place the order. With a login, the uses that you had count as when you place it.

    Args:
        body (QuoteForm): The lines of an order that may be placed later, and coupons that would
            come with it.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[InvalidProblem | Problem | QuoteBody]
     """


    kwargs = _get_kwargs(
        body=body,

    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)

def sync(
    *,
    client: AuthenticatedClient,
    body: QuoteForm,

) -> InvalidProblem | Problem | QuoteBody | None:
    """ What an order would cost now, and why

     Nothing is written and nothing is promised. `promotions` says of each promotion that you could use
    whether it applies, and if not, why and what is missing. Send `total` as `expected_total` when you
    place the order. With a login, the uses that you had count as when you place it.

    Args:
        body (QuoteForm): The lines of an order that may be placed later, and coupons that would
            come with it.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        InvalidProblem | Problem | QuoteBody
     """


    return sync_detailed(
        client=client,
body=body,

    ).parsed

async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    body: QuoteForm,

) -> Response[InvalidProblem | Problem | QuoteBody]:
    """ What an order would cost now, and why

     Nothing is written and nothing is promised. `promotions` says of each promotion that you could use
    whether it applies, and if not, why and what is missing. Send `total` as `expected_total` when you
    place the order. With a login, the uses that you had count as when you place it.

    Args:
        body (QuoteForm): The lines of an order that may be placed later, and coupons that would
            come with it.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[InvalidProblem | Problem | QuoteBody]
     """


    kwargs = _get_kwargs(
        body=body,

    )

    response = await client.get_async_httpx_client().request(
        **kwargs
    )

    return _build_response(client=client, response=response)

async def asyncio(
    *,
    client: AuthenticatedClient,
    body: QuoteForm,

) -> InvalidProblem | Problem | QuoteBody | None:
    """ What an order would cost now, and why

     Nothing is written and nothing is promised. `promotions` says of each promotion that you could use
    whether it applies, and if not, why and what is missing. Send `total` as `expected_total` when you
    place the order. With a login, the uses that you had count as when you place it.

    Args:
        body (QuoteForm): The lines of an order that may be placed later, and coupons that would
            come with it.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        InvalidProblem | Problem | QuoteBody
     """


    return (await asyncio_detailed(
        client=client,
body=body,

    )).parsed
