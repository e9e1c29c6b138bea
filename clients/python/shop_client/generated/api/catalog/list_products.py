from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...types import Response, UNSET
from ... import errors

from ...models.invalid_problem import InvalidProblem
from ...models.problem import Problem
from ...models.product_page import ProductPage
from ...models.product_sort import ProductSort
from ...types import UNSET, Unset
from typing import cast
from uuid import UUID



def _get_kwargs(
    *,
    limit: int | Unset = UNSET,
    page: int | Unset = UNSET,
    offset: int | Unset = UNSET,
    cursor: str | Unset = UNSET,
    ids: list[UUID] | Unset = UNSET,
    keyword: str | Unset = UNSET,
    category: UUID | Unset = UNSET,
    family: UUID | Unset = UNSET,
    min_price: str | Unset = UNSET,
    max_price: str | Unset = UNSET,
    in_stock: bool | Unset = UNSET,
    min_quantity: int | Unset = UNSET,
    sku: str | Unset = UNSET,
    sort: ProductSort | Unset = UNSET,
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

    params["keyword"] = keyword

    json_category: str | Unset = UNSET
    if not isinstance(category, Unset):
        json_category = str(category)
    params["category"] = json_category

    json_family: str | Unset = UNSET
    if not isinstance(family, Unset):
        json_family = str(family)
    params["family"] = json_family

    params["min_price"] = min_price

    params["max_price"] = max_price

    params["in_stock"] = in_stock

    params["min_quantity"] = min_quantity

    params["sku"] = sku

    json_sort: str | Unset = UNSET
    if not isinstance(sort, Unset):
        json_sort = sort.value

    params["sort"] = json_sort


    params = {k: ",".join(v) if isinstance(v, list) else v for k, v in params.items() if v is not UNSET and v is not None}


    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v1/products",
        "params": params,
    }


    _kwargs["headers"] = headers
    return _kwargs



def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Any | InvalidProblem | Problem | ProductPage | None:
    if response.status_code == 200:
        response_200 = ProductPage.from_dict(response.json())



        return response_200

    if response.status_code == 304:
        response_304 = cast(Any, None)
        return response_304

    if response.status_code == 400:
        response_400 = InvalidProblem.from_dict(response.json())



        return response_400

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


def _build_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Response[Any | InvalidProblem | Problem | ProductPage]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient | Client,
    limit: int | Unset = UNSET,
    page: int | Unset = UNSET,
    offset: int | Unset = UNSET,
    cursor: str | Unset = UNSET,
    ids: list[UUID] | Unset = UNSET,
    keyword: str | Unset = UNSET,
    category: UUID | Unset = UNSET,
    family: UUID | Unset = UNSET,
    min_price: str | Unset = UNSET,
    max_price: str | Unset = UNSET,
    in_stock: bool | Unset = UNSET,
    min_quantity: int | Unset = UNSET,
    sku: str | Unset = UNSET,
    sort: ProductSort | Unset = UNSET,
    if_none_match: str | Unset = UNSET,

) -> Response[Any | InvalidProblem | Problem | ProductPage]:
    """ Browse and search the catalog

    Args:
        limit (int | Unset):
        page (int | Unset):
        offset (int | Unset):
        cursor (str | Unset):
        ids (list[UUID] | Unset):
        keyword (str | Unset):
        category (UUID | Unset):
        family (UUID | Unset):
        min_price (str | Unset):
        max_price (str | Unset):
        in_stock (bool | Unset):
        min_quantity (int | Unset):
        sku (str | Unset):
        sort (ProductSort | Unset): How products can be sorted; a tie is broken by id.

            Relevance lists products by their `Relevance`, those of one kind by name. Without words it
            sorts by name.
        if_none_match (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | InvalidProblem | Problem | ProductPage]
     """


    kwargs = _get_kwargs(
        limit=limit,
page=page,
offset=offset,
cursor=cursor,
ids=ids,
keyword=keyword,
category=category,
family=family,
min_price=min_price,
max_price=max_price,
in_stock=in_stock,
min_quantity=min_quantity,
sku=sku,
sort=sort,
if_none_match=if_none_match,

    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)

def sync(
    *,
    client: AuthenticatedClient | Client,
    limit: int | Unset = UNSET,
    page: int | Unset = UNSET,
    offset: int | Unset = UNSET,
    cursor: str | Unset = UNSET,
    ids: list[UUID] | Unset = UNSET,
    keyword: str | Unset = UNSET,
    category: UUID | Unset = UNSET,
    family: UUID | Unset = UNSET,
    min_price: str | Unset = UNSET,
    max_price: str | Unset = UNSET,
    in_stock: bool | Unset = UNSET,
    min_quantity: int | Unset = UNSET,
    sku: str | Unset = UNSET,
    sort: ProductSort | Unset = UNSET,
    if_none_match: str | Unset = UNSET,

) -> Any | InvalidProblem | Problem | ProductPage | None:
    """ Browse and search the catalog

    Args:
        limit (int | Unset):
        page (int | Unset):
        offset (int | Unset):
        cursor (str | Unset):
        ids (list[UUID] | Unset):
        keyword (str | Unset):
        category (UUID | Unset):
        family (UUID | Unset):
        min_price (str | Unset):
        max_price (str | Unset):
        in_stock (bool | Unset):
        min_quantity (int | Unset):
        sku (str | Unset):
        sort (ProductSort | Unset): How products can be sorted; a tie is broken by id.

            Relevance lists products by their `Relevance`, those of one kind by name. Without words it
            sorts by name.
        if_none_match (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | InvalidProblem | Problem | ProductPage
     """


    return sync_detailed(
        client=client,
limit=limit,
page=page,
offset=offset,
cursor=cursor,
ids=ids,
keyword=keyword,
category=category,
family=family,
min_price=min_price,
max_price=max_price,
in_stock=in_stock,
min_quantity=min_quantity,
sku=sku,
sort=sort,
if_none_match=if_none_match,

    ).parsed

async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
    limit: int | Unset = UNSET,
    page: int | Unset = UNSET,
    offset: int | Unset = UNSET,
    cursor: str | Unset = UNSET,
    ids: list[UUID] | Unset = UNSET,
    keyword: str | Unset = UNSET,
    category: UUID | Unset = UNSET,
    family: UUID | Unset = UNSET,
    min_price: str | Unset = UNSET,
    max_price: str | Unset = UNSET,
    in_stock: bool | Unset = UNSET,
    min_quantity: int | Unset = UNSET,
    sku: str | Unset = UNSET,
    sort: ProductSort | Unset = UNSET,
    if_none_match: str | Unset = UNSET,

) -> Response[Any | InvalidProblem | Problem | ProductPage]:
    """ Browse and search the catalog

    Args:
        limit (int | Unset):
        page (int | Unset):
        offset (int | Unset):
        cursor (str | Unset):
        ids (list[UUID] | Unset):
        keyword (str | Unset):
        category (UUID | Unset):
        family (UUID | Unset):
        min_price (str | Unset):
        max_price (str | Unset):
        in_stock (bool | Unset):
        min_quantity (int | Unset):
        sku (str | Unset):
        sort (ProductSort | Unset): How products can be sorted; a tie is broken by id.

            Relevance lists products by their `Relevance`, those of one kind by name. Without words it
            sorts by name.
        if_none_match (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | InvalidProblem | Problem | ProductPage]
     """


    kwargs = _get_kwargs(
        limit=limit,
page=page,
offset=offset,
cursor=cursor,
ids=ids,
keyword=keyword,
category=category,
family=family,
min_price=min_price,
max_price=max_price,
in_stock=in_stock,
min_quantity=min_quantity,
sku=sku,
sort=sort,
if_none_match=if_none_match,

    )

    response = await client.get_async_httpx_client().request(
        **kwargs
    )

    return _build_response(client=client, response=response)

async def asyncio(
    *,
    client: AuthenticatedClient | Client,
    limit: int | Unset = UNSET,
    page: int | Unset = UNSET,
    offset: int | Unset = UNSET,
    cursor: str | Unset = UNSET,
    ids: list[UUID] | Unset = UNSET,
    keyword: str | Unset = UNSET,
    category: UUID | Unset = UNSET,
    family: UUID | Unset = UNSET,
    min_price: str | Unset = UNSET,
    max_price: str | Unset = UNSET,
    in_stock: bool | Unset = UNSET,
    min_quantity: int | Unset = UNSET,
    sku: str | Unset = UNSET,
    sort: ProductSort | Unset = UNSET,
    if_none_match: str | Unset = UNSET,

) -> Any | InvalidProblem | Problem | ProductPage | None:
    """ Browse and search the catalog

    Args:
        limit (int | Unset):
        page (int | Unset):
        offset (int | Unset):
        cursor (str | Unset):
        ids (list[UUID] | Unset):
        keyword (str | Unset):
        category (UUID | Unset):
        family (UUID | Unset):
        min_price (str | Unset):
        max_price (str | Unset):
        in_stock (bool | Unset):
        min_quantity (int | Unset):
        sku (str | Unset):
        sort (ProductSort | Unset): How products can be sorted; a tie is broken by id.

            Relevance lists products by their `Relevance`, those of one kind by name. Without words it
            sorts by name.
        if_none_match (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | InvalidProblem | Problem | ProductPage
     """


    return (await asyncio_detailed(
        client=client,
limit=limit,
page=page,
offset=offset,
cursor=cursor,
ids=ids,
keyword=keyword,
category=category,
family=family,
min_price=min_price,
max_price=max_price,
in_stock=in_stock,
min_quantity=min_quantity,
sku=sku,
sort=sort,
if_none_match=if_none_match,

    )).parsed
