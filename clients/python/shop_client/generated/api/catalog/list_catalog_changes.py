from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...types import Response, UNSET
from ... import errors

from ...models.catalog_changes_body import CatalogChangesBody
from ...models.invalid_problem import InvalidProblem
from ...models.problem import Problem
from ...types import UNSET, Unset
from typing import cast



def _get_kwargs(
    *,
    after: str | Unset = UNSET,
    limit: int | Unset = UNSET,

) -> dict[str, Any]:
    

    

    params: dict[str, Any] = {}

    params["after"] = after

    params["limit"] = limit


    params = {k: ",".join(v) if isinstance(v, list) else v for k, v in params.items() if v is not UNSET and v is not None}


    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v1/catalog/changes",
        "params": params,
    }


    return _kwargs



def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> CatalogChangesBody | InvalidProblem | Problem | None:
    if response.status_code == 200:
        response_200 = CatalogChangesBody.from_dict(response.json())



        return response_200

    if response.status_code == 400:
        response_400 = InvalidProblem.from_dict(response.json())



        return response_400

    if response.status_code == 410:
        response_410 = Problem.from_dict(response.json())



        return response_410

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


def _build_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Response[CatalogChangesBody | InvalidProblem | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient | Client,
    after: str | Unset = UNSET,
    limit: int | Unset = UNSET,

) -> Response[CatalogChangesBody | InvalidProblem | Problem]:
    """ What changed in the catalog since you asked last, to keep a copy of it

     Begin without `after`, go on with `next_cursor` while `has_more` is true, and keep it for the next
    time. Nothing is missed, whatever happens meanwhile. A sale is no change: `quantity_in_stock` is
    that of now, so ask for the products on the screen when it matters. What left the catalog is named
    for 90 days. A cursor that is older, or from before a restore from a backup, is 410: drop the copy
    and begin anew.

    Args:
        after (str | Unset):
        limit (int | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[CatalogChangesBody | InvalidProblem | Problem]
     """


    kwargs = _get_kwargs(
        after=after,
limit=limit,

    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)

def sync(
    *,
    client: AuthenticatedClient | Client,
    after: str | Unset = UNSET,
    limit: int | Unset = UNSET,

) -> CatalogChangesBody | InvalidProblem | Problem | None:
    """ What changed in the catalog since you asked last, to keep a copy of it

     Begin without `after`, go on with `next_cursor` while `has_more` is true, and keep it for the next
    time. Nothing is missed, whatever happens meanwhile. A sale is no change: `quantity_in_stock` is
    that of now, so ask for the products on the screen when it matters. What left the catalog is named
    for 90 days. A cursor that is older, or from before a restore from a backup, is 410: drop the copy
    and begin anew.

    Args:
        after (str | Unset):
        limit (int | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        CatalogChangesBody | InvalidProblem | Problem
     """


    return sync_detailed(
        client=client,
after=after,
limit=limit,

    ).parsed

async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
    after: str | Unset = UNSET,
    limit: int | Unset = UNSET,

) -> Response[CatalogChangesBody | InvalidProblem | Problem]:
    """ What changed in the catalog since you asked last, to keep a copy of it

     Begin without `after`, go on with `next_cursor` while `has_more` is true, and keep it for the next
    time. Nothing is missed, whatever happens meanwhile. A sale is no change: `quantity_in_stock` is
    that of now, so ask for the products on the screen when it matters. What left the catalog is named
    for 90 days. A cursor that is older, or from before a restore from a backup, is 410: drop the copy
    and begin anew.

    Args:
        after (str | Unset):
        limit (int | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[CatalogChangesBody | InvalidProblem | Problem]
     """


    kwargs = _get_kwargs(
        after=after,
limit=limit,

    )

    response = await client.get_async_httpx_client().request(
        **kwargs
    )

    return _build_response(client=client, response=response)

async def asyncio(
    *,
    client: AuthenticatedClient | Client,
    after: str | Unset = UNSET,
    limit: int | Unset = UNSET,

) -> CatalogChangesBody | InvalidProblem | Problem | None:
    """ What changed in the catalog since you asked last, to keep a copy of it

     Begin without `after`, go on with `next_cursor` while `has_more` is true, and keep it for the next
    time. Nothing is missed, whatever happens meanwhile. A sale is no change: `quantity_in_stock` is
    that of now, so ask for the products on the screen when it matters. What left the catalog is named
    for 90 days. A cursor that is older, or from before a restore from a backup, is 410: drop the copy
    and begin anew.

    Args:
        after (str | Unset):
        limit (int | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        CatalogChangesBody | InvalidProblem | Problem
     """


    return (await asyncio_detailed(
        client=client,
after=after,
limit=limit,

    )).parsed
