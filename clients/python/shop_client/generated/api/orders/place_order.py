from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...types import Response, UNSET
from ... import errors

from ...models.expired_problem import ExpiredProblem
from ...models.invalid_problem import InvalidProblem
from ...models.order_body import OrderBody
from ...models.placement_form import PlacementForm
from ...models.problem import Problem
from ...models.reservation_problem import ReservationProblem
from ...models.shortage_problem import ShortageProblem
from ...models.total_problem import TotalProblem
from ...types import UNSET, Unset
from typing import cast



def _get_kwargs(
    *,
    body: PlacementForm,
    idempotency_key: str | Unset = UNSET,

) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key



    

    

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/api/v1/orders",
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs



def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> ExpiredProblem | Problem | ReservationProblem | ShortageProblem | TotalProblem | InvalidProblem | OrderBody | Problem | None:
    if response.status_code == 201:
        response_201 = OrderBody.from_dict(response.json())



        return response_201

    if response.status_code == 400:
        response_400 = InvalidProblem.from_dict(response.json())



        return response_400

    if response.status_code == 401:
        response_401 = Problem.from_dict(response.json())



        return response_401

    if response.status_code == 404:
        response_404 = Problem.from_dict(response.json())



        return response_404

    if response.status_code == 408:
        response_408 = Problem.from_dict(response.json())



        return response_408

    if response.status_code == 409:
        def _parse_response_409(data: object) -> ExpiredProblem | Problem | ReservationProblem | ShortageProblem | TotalProblem:
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                response_409_type_0 = ShortageProblem.from_dict(data)



                return response_409_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                response_409_type_1 = TotalProblem.from_dict(data)



                return response_409_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                response_409_type_2 = ExpiredProblem.from_dict(data)



                return response_409_type_2
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                response_409_type_3 = ReservationProblem.from_dict(data)



                return response_409_type_3
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            response_409_type_4 = Problem.from_dict(data)



            return response_409_type_4

        response_409 = _parse_response_409(response.json())

        return response_409

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


def _build_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Response[ExpiredProblem | Problem | ReservationProblem | ShortageProblem | TotalProblem | InvalidProblem | OrderBody | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    body: PlacementForm,
    idempotency_key: str | Unset = UNSET,

) -> Response[ExpiredProblem | Problem | ReservationProblem | ShortageProblem | TotalProblem | InvalidProblem | OrderBody | Problem]:
    """ Place an order

     Give `lines`, or one of your reservations, whose units are never free in between. You get all lines
    or nothing: if stock is short, `shortages` names every short product and nothing is taken. With an
    `Idempotency-Key` the same request is one order however often you send it; a retry gets that order
    as it is by then.

    Args:
        idempotency_key (str | Unset):
        body (PlacementForm): An order to place: give `lines` or `reservation_id`, not both.

            With `expected_total` it is placed only if the total is the same: prices may have changed
            since they were shown.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ExpiredProblem | Problem | ReservationProblem | ShortageProblem | TotalProblem | InvalidProblem | OrderBody | Problem]
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
    body: PlacementForm,
    idempotency_key: str | Unset = UNSET,

) -> ExpiredProblem | Problem | ReservationProblem | ShortageProblem | TotalProblem | InvalidProblem | OrderBody | Problem | None:
    """ Place an order

     Give `lines`, or one of your reservations, whose units are never free in between. You get all lines
    or nothing: if stock is short, `shortages` names every short product and nothing is taken. With an
    `Idempotency-Key` the same request is one order however often you send it; a retry gets that order
    as it is by then.

    Args:
        idempotency_key (str | Unset):
        body (PlacementForm): An order to place: give `lines` or `reservation_id`, not both.

            With `expected_total` it is placed only if the total is the same: prices may have changed
            since they were shown.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ExpiredProblem | Problem | ReservationProblem | ShortageProblem | TotalProblem | InvalidProblem | OrderBody | Problem
     """


    return sync_detailed(
        client=client,
body=body,
idempotency_key=idempotency_key,

    ).parsed

async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    body: PlacementForm,
    idempotency_key: str | Unset = UNSET,

) -> Response[ExpiredProblem | Problem | ReservationProblem | ShortageProblem | TotalProblem | InvalidProblem | OrderBody | Problem]:
    """ Place an order

     Give `lines`, or one of your reservations, whose units are never free in between. You get all lines
    or nothing: if stock is short, `shortages` names every short product and nothing is taken. With an
    `Idempotency-Key` the same request is one order however often you send it; a retry gets that order
    as it is by then.

    Args:
        idempotency_key (str | Unset):
        body (PlacementForm): An order to place: give `lines` or `reservation_id`, not both.

            With `expected_total` it is placed only if the total is the same: prices may have changed
            since they were shown.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ExpiredProblem | Problem | ReservationProblem | ShortageProblem | TotalProblem | InvalidProblem | OrderBody | Problem]
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
    body: PlacementForm,
    idempotency_key: str | Unset = UNSET,

) -> ExpiredProblem | Problem | ReservationProblem | ShortageProblem | TotalProblem | InvalidProblem | OrderBody | Problem | None:
    """ Place an order

     Give `lines`, or one of your reservations, whose units are never free in between. You get all lines
    or nothing: if stock is short, `shortages` names every short product and nothing is taken. With an
    `Idempotency-Key` the same request is one order however often you send it; a retry gets that order
    as it is by then.

    Args:
        idempotency_key (str | Unset):
        body (PlacementForm): An order to place: give `lines` or `reservation_id`, not both.

            With `expected_total` it is placed only if the total is the same: prices may have changed
            since they were shown.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ExpiredProblem | Problem | ReservationProblem | ShortageProblem | TotalProblem | InvalidProblem | OrderBody | Problem
     """


    return (await asyncio_detailed(
        client=client,
body=body,
idempotency_key=idempotency_key,

    )).parsed
