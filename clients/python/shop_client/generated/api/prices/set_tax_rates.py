from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...types import Response, UNSET
from ... import errors

from ...models.invalid_problem import InvalidProblem
from ...models.problem import Problem
from ...models.tax_rates_form import TaxRatesForm
from ...types import UNSET, Unset
from typing import cast



def _get_kwargs(
    *,
    body: TaxRatesForm,
    idempotency_key: str | Unset = UNSET,

) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key



    

    

    _kwargs: dict[str, Any] = {
        "method": "put",
        "url": "/api/v1/tax-rates",
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs



def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> InvalidProblem | Problem | TaxRatesForm | None:
    if response.status_code == 200:
        response_200 = TaxRatesForm.from_dict(response.json())



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

    if response.status_code == 408:
        response_408 = Problem.from_dict(response.json())



        return response_408

    if response.status_code == 413:
        response_413 = Problem.from_dict(response.json())



        return response_413

    if response.status_code == 415:
        response_415 = Problem.from_dict(response.json())



        return response_415

    if response.status_code == 422:
        response_422 = Problem.from_dict(response.json())



        return response_422

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


def _build_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Response[InvalidProblem | Problem | TaxRatesForm]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    body: TaxRatesForm,
    idempotency_key: str | Unset = UNSET,

) -> Response[InvalidProblem | Problem | TaxRatesForm]:
    """ Add tax rates

     A rate of the same class and time is replaced, all others stay. Orders that were placed keep the
    rates that were agreed. You may send the same again: it changes nothing.

    Args:
        idempotency_key (str | Unset):
        body (TaxRatesForm): Tax rates; one of the same class and time replaces the one before. No
            order that was placed changes.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[InvalidProblem | Problem | TaxRatesForm]
     """


    kwargs = _get_kwargs(
        body=body,
idempotency_key=idempotency_key,

    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)

def sync(
    *,
    client: AuthenticatedClient,
    body: TaxRatesForm,
    idempotency_key: str | Unset = UNSET,

) -> InvalidProblem | Problem | TaxRatesForm | None:
    """ Add tax rates

     A rate of the same class and time is replaced, all others stay. Orders that were placed keep the
    rates that were agreed. You may send the same again: it changes nothing.

    Args:
        idempotency_key (str | Unset):
        body (TaxRatesForm): Tax rates; one of the same class and time replaces the one before. No
            order that was placed changes.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        InvalidProblem | Problem | TaxRatesForm
     """


    return sync_detailed(
        client=client,
body=body,
idempotency_key=idempotency_key,

    ).parsed

async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    body: TaxRatesForm,
    idempotency_key: str | Unset = UNSET,

) -> Response[InvalidProblem | Problem | TaxRatesForm]:
    """ Add tax rates

     A rate of the same class and time is replaced, all others stay. Orders that were placed keep the
    rates that were agreed. You may send the same again: it changes nothing.

    Args:
        idempotency_key (str | Unset):
        body (TaxRatesForm): Tax rates; one of the same class and time replaces the one before. No
            order that was placed changes.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[InvalidProblem | Problem | TaxRatesForm]
     """


    kwargs = _get_kwargs(
        body=body,
idempotency_key=idempotency_key,

    )

    response = await client.get_async_httpx_client().request(
        **kwargs
    )

    return _build_response(client=client, response=response)

async def asyncio(
    *,
    client: AuthenticatedClient,
    body: TaxRatesForm,
    idempotency_key: str | Unset = UNSET,

) -> InvalidProblem | Problem | TaxRatesForm | None:
    """ Add tax rates

     A rate of the same class and time is replaced, all others stay. Orders that were placed keep the
    rates that were agreed. You may send the same again: it changes nothing.

    Args:
        idempotency_key (str | Unset):
        body (TaxRatesForm): Tax rates; one of the same class and time replaces the one before. No
            order that was placed changes.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        InvalidProblem | Problem | TaxRatesForm
     """


    return (await asyncio_detailed(
        client=client,
body=body,
idempotency_key=idempotency_key,

    )).parsed
