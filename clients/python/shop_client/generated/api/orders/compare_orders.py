from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...types import Response, UNSET
from ... import errors

from ...models.invalid_problem import InvalidProblem
from ...models.order_changes_body import OrderChangesBody
from ...models.order_changes_form import OrderChangesForm
from ...models.problem import Problem
from typing import cast



def _get_kwargs(
    *,
    body: OrderChangesForm,

) -> dict[str, Any]:
    headers: dict[str, Any] = {}


    

    

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/api/v1/orders/changes",
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs



def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> InvalidProblem | OrderChangesBody | Problem | None:
    if response.status_code == 200:
        response_200 = OrderChangesBody.from_dict(response.json())



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


def _build_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Response[InvalidProblem | OrderChangesBody | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    body: OrderChangesForm,

) -> Response[InvalidProblem | OrderChangesBody | Problem]:
    """ What differs between your orders and a copy of them that you keep

     Each order has a `tag`. Sort the orders of your copy by id, cut them into ranges of about 100, and
    send for each the first id and all its tags, combined by XOR; without ranges everything differs. The
    response names all orders of each range that differs: drop those of your copy that it does not name
    there, and read those whose tag you do not have (`GET /orders?ids=`). Nothing is written. Orders
    that you deleted are gone.

    Args:
        body (OrderChangesForm): A copy of one's orders, in ranges sorted by id, of about 100
            orders each. The last one has no end.

            Orders older than the id `oldest` are not compared.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[InvalidProblem | OrderChangesBody | Problem]
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
    body: OrderChangesForm,

) -> InvalidProblem | OrderChangesBody | Problem | None:
    """ What differs between your orders and a copy of them that you keep

     Each order has a `tag`. Sort the orders of your copy by id, cut them into ranges of about 100, and
    send for each the first id and all its tags, combined by XOR; without ranges everything differs. The
    response names all orders of each range that differs: drop those of your copy that it does not name
    there, and read those whose tag you do not have (`GET /orders?ids=`). Nothing is written. Orders
    that you deleted are gone.

    Args:
        body (OrderChangesForm): A copy of one's orders, in ranges sorted by id, of about 100
            orders each. The last one has no end.

            Orders older than the id `oldest` are not compared.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        InvalidProblem | OrderChangesBody | Problem
     """


    return sync_detailed(
        client=client,
body=body,

    ).parsed

async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    body: OrderChangesForm,

) -> Response[InvalidProblem | OrderChangesBody | Problem]:
    """ What differs between your orders and a copy of them that you keep

     Each order has a `tag`. Sort the orders of your copy by id, cut them into ranges of about 100, and
    send for each the first id and all its tags, combined by XOR; without ranges everything differs. The
    response names all orders of each range that differs: drop those of your copy that it does not name
    there, and read those whose tag you do not have (`GET /orders?ids=`). Nothing is written. Orders
    that you deleted are gone.

    Args:
        body (OrderChangesForm): A copy of one's orders, in ranges sorted by id, of about 100
            orders each. The last one has no end.

            Orders older than the id `oldest` are not compared.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[InvalidProblem | OrderChangesBody | Problem]
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
    body: OrderChangesForm,

) -> InvalidProblem | OrderChangesBody | Problem | None:
    """ What differs between your orders and a copy of them that you keep

     Each order has a `tag`. Sort the orders of your copy by id, cut them into ranges of about 100, and
    send for each the first id and all its tags, combined by XOR; without ranges everything differs. The
    response names all orders of each range that differs: drop those of your copy that it does not name
    there, and read those whose tag you do not have (`GET /orders?ids=`). Nothing is written. Orders
    that you deleted are gone.

    Args:
        body (OrderChangesForm): A copy of one's orders, in ranges sorted by id, of about 100
            orders each. The last one has no end.

            Orders older than the id `oldest` are not compared.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        InvalidProblem | OrderChangesBody | Problem
     """


    return (await asyncio_detailed(
        client=client,
body=body,

    )).parsed
