from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...types import Response, UNSET
from ... import errors

from ...models.invalid_problem import InvalidProblem
from ...models.order_body import OrderBody
from ...models.order_form import OrderForm
from ...models.problem import Problem
from ...models.shortage_problem import ShortageProblem
from ...models.stale_problem import StaleProblem
from ...models.step_problem import StepProblem
from ...models.total_problem import TotalProblem
from ...types import UNSET, Unset
from typing import cast
from uuid import UUID



def _get_kwargs(
    order_id: UUID,
    *,
    body: OrderForm,
    if_match: str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,

) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(if_match, Unset):
        headers["If-Match"] = if_match

    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key



    

    

    _kwargs: dict[str, Any] = {
        "method": "put",
        "url": "/api/v1/orders/{order_id}".format(order_id=quote(str(order_id), safe=""),),
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs



def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> InvalidProblem | OrderBody | Problem | Problem | ShortageProblem | StepProblem | TotalProblem | StaleProblem | None:
    if response.status_code == 200:
        response_200 = OrderBody.from_dict(response.json())



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

    if response.status_code == 408:
        response_408 = Problem.from_dict(response.json())



        return response_408

    if response.status_code == 409:
        def _parse_response_409(data: object) -> Problem | ShortageProblem | StepProblem | TotalProblem:
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                response_409_type_0 = StepProblem.from_dict(data)



                return response_409_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                response_409_type_1 = ShortageProblem.from_dict(data)



                return response_409_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                response_409_type_2 = TotalProblem.from_dict(data)



                return response_409_type_2
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            response_409_type_3 = Problem.from_dict(data)



            return response_409_type_3

        response_409 = _parse_response_409(response.json())

        return response_409

    if response.status_code == 412:
        response_412 = StaleProblem.from_dict(response.json())



        return response_412

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


def _build_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Response[InvalidProblem | OrderBody | Problem | Problem | ShortageProblem | StepProblem | TotalProblem | StaleProblem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    order_id: UUID,
    *,
    client: AuthenticatedClient,
    body: OrderForm,
    if_match: str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,

) -> Response[InvalidProblem | OrderBody | Problem | Problem | ShortageProblem | StepProblem | TotalProblem | StaleProblem]:
    """ Replace the lines of an order that is not confirmed yet

     For the owner, and for staff who do it for them. You get all changes or none, and only the
    difference is taken from stock or given back. In `shortages`, `requested` is the number of units
    that the order was to have, and `available` is the number that it could have. A product of which the
    order had as many or more keeps its name and price; a new one, or more units of one, is priced anew
    at today's price, all its units: send the total that you showed as `expected_total`. The promotions
    with which it was placed stay those of the order, whatever became of them since; `coupons` can bring
    more. Lines that change nothing leave the version as it is, whatever `If-Match` says.

    Args:
        order_id (UUID):
        if_match (str | Unset):
        idempotency_key (str | Unset):
        body (OrderForm): The lines of an order, and coupons that come with them. A product may
            stand in several lines: they are summed.

            With `expected_total` it is edited only if the total is then the same: prices may have
            changed.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[InvalidProblem | OrderBody | Problem | Problem | ShortageProblem | StepProblem | TotalProblem | StaleProblem]
     """


    kwargs = _get_kwargs(
        order_id=order_id,
body=body,
if_match=if_match,
idempotency_key=idempotency_key,

    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)

def sync(
    order_id: UUID,
    *,
    client: AuthenticatedClient,
    body: OrderForm,
    if_match: str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,

) -> InvalidProblem | OrderBody | Problem | Problem | ShortageProblem | StepProblem | TotalProblem | StaleProblem | None:
    """ Replace the lines of an order that is not confirmed yet

     For the owner, and for staff who do it for them. You get all changes or none, and only the
    difference is taken from stock or given back. In `shortages`, `requested` is the number of units
    that the order was to have, and `available` is the number that it could have. A product of which the
    order had as many or more keeps its name and price; a new one, or more units of one, is priced anew
    at today's price, all its units: send the total that you showed as `expected_total`. The promotions
    with which it was placed stay those of the order, whatever became of them since; `coupons` can bring
    more. Lines that change nothing leave the version as it is, whatever `If-Match` says.

    Args:
        order_id (UUID):
        if_match (str | Unset):
        idempotency_key (str | Unset):
        body (OrderForm): The lines of an order, and coupons that come with them. A product may
            stand in several lines: they are summed.

            With `expected_total` it is edited only if the total is then the same: prices may have
            changed.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        InvalidProblem | OrderBody | Problem | Problem | ShortageProblem | StepProblem | TotalProblem | StaleProblem
     """


    return sync_detailed(
        order_id=order_id,
client=client,
body=body,
if_match=if_match,
idempotency_key=idempotency_key,

    ).parsed

async def asyncio_detailed(
    order_id: UUID,
    *,
    client: AuthenticatedClient,
    body: OrderForm,
    if_match: str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,

) -> Response[InvalidProblem | OrderBody | Problem | Problem | ShortageProblem | StepProblem | TotalProblem | StaleProblem]:
    """ Replace the lines of an order that is not confirmed yet

     For the owner, and for staff who do it for them. You get all changes or none, and only the
    difference is taken from stock or given back. In `shortages`, `requested` is the number of units
    that the order was to have, and `available` is the number that it could have. A product of which the
    order had as many or more keeps its name and price; a new one, or more units of one, is priced anew
    at today's price, all its units: send the total that you showed as `expected_total`. The promotions
    with which it was placed stay those of the order, whatever became of them since; `coupons` can bring
    more. Lines that change nothing leave the version as it is, whatever `If-Match` says.

    Args:
        order_id (UUID):
        if_match (str | Unset):
        idempotency_key (str | Unset):
        body (OrderForm): The lines of an order, and coupons that come with them. A product may
            stand in several lines: they are summed.

            With `expected_total` it is edited only if the total is then the same: prices may have
            changed.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[InvalidProblem | OrderBody | Problem | Problem | ShortageProblem | StepProblem | TotalProblem | StaleProblem]
     """


    kwargs = _get_kwargs(
        order_id=order_id,
body=body,
if_match=if_match,
idempotency_key=idempotency_key,

    )

    response = await client.get_async_httpx_client().request(
        **kwargs
    )

    return _build_response(client=client, response=response)

async def asyncio(
    order_id: UUID,
    *,
    client: AuthenticatedClient,
    body: OrderForm,
    if_match: str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,

) -> InvalidProblem | OrderBody | Problem | Problem | ShortageProblem | StepProblem | TotalProblem | StaleProblem | None:
    """ Replace the lines of an order that is not confirmed yet

     For the owner, and for staff who do it for them. You get all changes or none, and only the
    difference is taken from stock or given back. In `shortages`, `requested` is the number of units
    that the order was to have, and `available` is the number that it could have. A product of which the
    order had as many or more keeps its name and price; a new one, or more units of one, is priced anew
    at today's price, all its units: send the total that you showed as `expected_total`. The promotions
    with which it was placed stay those of the order, whatever became of them since; `coupons` can bring
    more. Lines that change nothing leave the version as it is, whatever `If-Match` says.

    Args:
        order_id (UUID):
        if_match (str | Unset):
        idempotency_key (str | Unset):
        body (OrderForm): The lines of an order, and coupons that come with them. A product may
            stand in several lines: they are summed.

            With `expected_total` it is edited only if the total is then the same: prices may have
            changed.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        InvalidProblem | OrderBody | Problem | Problem | ShortageProblem | StepProblem | TotalProblem | StaleProblem
     """


    return (await asyncio_detailed(
        order_id=order_id,
client=client,
body=body,
if_match=if_match,
idempotency_key=idempotency_key,

    )).parsed
