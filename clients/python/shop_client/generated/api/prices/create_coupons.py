from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...types import Response, UNSET
from ... import errors

from ...models.coupon_form import CouponForm
from ...models.invalid_problem import InvalidProblem
from ...models.new_coupons_body import NewCouponsBody
from ...models.problem import Problem
from ...types import UNSET, Unset
from typing import cast
from uuid import UUID



def _get_kwargs(
    promotion_id: UUID,
    *,
    body: CouponForm,
    idempotency_key: str | Unset = UNSET,

) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key



    

    

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/api/v1/promotions/{promotion_id}/coupons".format(promotion_id=quote(str(promotion_id), safe=""),),
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs



def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> InvalidProblem | NewCouponsBody | Problem | None:
    if response.status_code == 201:
        response_201 = NewCouponsBody.from_dict(response.json())



        return response_201

    if response.status_code == 400:
        response_400 = InvalidProblem.from_dict(response.json())



        return response_400

    if response.status_code == 401:
        response_401 = Problem.from_dict(response.json())



        return response_401

    if response.status_code == 403:
        response_403 = Problem.from_dict(response.json())



        return response_403

    if response.status_code == 404:
        response_404 = Problem.from_dict(response.json())



        return response_404

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


def _build_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Response[InvalidProblem | NewCouponsBody | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    promotion_id: UUID,
    *,
    client: AuthenticatedClient,
    body: CouponForm,
    idempotency_key: str | Unset = UNSET,

) -> Response[InvalidProblem | NewCouponsBody | Problem]:
    """ Add a coupon, or many with random codes

     The promotion must have `needs_coupon`. You can make up to 1,000 at once.

    Args:
        promotion_id (UUID):
        idempotency_key (str | Unset):
        body (CouponForm): A coupon with a `code` of your choice, or `count` coupons with random
            codes.

            Case and spaces of a code do not matter. `max_uses` and `max_per_customer` are numbers of
            orders, for each coupon.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[InvalidProblem | NewCouponsBody | Problem]
     """


    kwargs = _get_kwargs(
        promotion_id=promotion_id,
body=body,
idempotency_key=idempotency_key,

    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)

def sync(
    promotion_id: UUID,
    *,
    client: AuthenticatedClient,
    body: CouponForm,
    idempotency_key: str | Unset = UNSET,

) -> InvalidProblem | NewCouponsBody | Problem | None:
    """ Add a coupon, or many with random codes

     The promotion must have `needs_coupon`. You can make up to 1,000 at once.

    Args:
        promotion_id (UUID):
        idempotency_key (str | Unset):
        body (CouponForm): A coupon with a `code` of your choice, or `count` coupons with random
            codes.

            Case and spaces of a code do not matter. `max_uses` and `max_per_customer` are numbers of
            orders, for each coupon.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        InvalidProblem | NewCouponsBody | Problem
     """


    return sync_detailed(
        promotion_id=promotion_id,
client=client,
body=body,
idempotency_key=idempotency_key,

    ).parsed

async def asyncio_detailed(
    promotion_id: UUID,
    *,
    client: AuthenticatedClient,
    body: CouponForm,
    idempotency_key: str | Unset = UNSET,

) -> Response[InvalidProblem | NewCouponsBody | Problem]:
    """ Add a coupon, or many with random codes

     The promotion must have `needs_coupon`. You can make up to 1,000 at once.

    Args:
        promotion_id (UUID):
        idempotency_key (str | Unset):
        body (CouponForm): A coupon with a `code` of your choice, or `count` coupons with random
            codes.

            Case and spaces of a code do not matter. `max_uses` and `max_per_customer` are numbers of
            orders, for each coupon.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[InvalidProblem | NewCouponsBody | Problem]
     """


    kwargs = _get_kwargs(
        promotion_id=promotion_id,
body=body,
idempotency_key=idempotency_key,

    )

    response = await client.get_async_httpx_client().request(
        **kwargs
    )

    return _build_response(client=client, response=response)

async def asyncio(
    promotion_id: UUID,
    *,
    client: AuthenticatedClient,
    body: CouponForm,
    idempotency_key: str | Unset = UNSET,

) -> InvalidProblem | NewCouponsBody | Problem | None:
    """ Add a coupon, or many with random codes

     The promotion must have `needs_coupon`. You can make up to 1,000 at once.

    Args:
        promotion_id (UUID):
        idempotency_key (str | Unset):
        body (CouponForm): A coupon with a `code` of your choice, or `count` coupons with random
            codes.

            Case and spaces of a code do not matter. `max_uses` and `max_per_customer` are numbers of
            orders, for each coupon.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        InvalidProblem | NewCouponsBody | Problem
     """


    return (await asyncio_detailed(
        promotion_id=promotion_id,
client=client,
body=body,
idempotency_key=idempotency_key,

    )).parsed
