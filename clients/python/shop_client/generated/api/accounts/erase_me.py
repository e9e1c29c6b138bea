from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...types import Response, UNSET
from ... import errors

from ...models.erasure_form import ErasureForm
from ...models.invalid_problem import InvalidProblem
from ...models.problem import Problem
from ...types import UNSET, Unset
from typing import cast



def _get_kwargs(
    *,
    body: ErasureForm,
    idempotency_key: str | Unset = UNSET,

) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key



    

    

    _kwargs: dict[str, Any] = {
        "method": "delete",
        "url": "/api/v1/users/me",
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs



def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Any | InvalidProblem | Problem | None:
    if response.status_code == 204:
        response_204 = cast(Any, None)
        return response_204

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


def _build_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Response[Any | InvalidProblem | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    body: ErasureForm,
    idempotency_key: str | Unset = UNSET,

) -> Response[Any | InvalidProblem | Problem]:
    """ Erase your account, for good

     Your names, email address, username, password and sessions are erased at once, and your reservations
    are released. Orders stay for the books, without a person. Cancel orders that are not shipped yet,
    or wait. The username is free again. If the response is lost, send the same again with the same
    access token: it is 204, even if the token has expired. A wrong `password` is 400 `wrong_password`.

    Args:
        idempotency_key (str | Unset):
        body (ErasureForm): The password of the account that is erased, once more.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | InvalidProblem | Problem]
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
    body: ErasureForm,
    idempotency_key: str | Unset = UNSET,

) -> Any | InvalidProblem | Problem | None:
    """ Erase your account, for good

     Your names, email address, username, password and sessions are erased at once, and your reservations
    are released. Orders stay for the books, without a person. Cancel orders that are not shipped yet,
    or wait. The username is free again. If the response is lost, send the same again with the same
    access token: it is 204, even if the token has expired. A wrong `password` is 400 `wrong_password`.

    Args:
        idempotency_key (str | Unset):
        body (ErasureForm): The password of the account that is erased, once more.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | InvalidProblem | Problem
     """


    return sync_detailed(
        client=client,
body=body,
idempotency_key=idempotency_key,

    ).parsed

async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    body: ErasureForm,
    idempotency_key: str | Unset = UNSET,

) -> Response[Any | InvalidProblem | Problem]:
    """ Erase your account, for good

     Your names, email address, username, password and sessions are erased at once, and your reservations
    are released. Orders stay for the books, without a person. Cancel orders that are not shipped yet,
    or wait. The username is free again. If the response is lost, send the same again with the same
    access token: it is 204, even if the token has expired. A wrong `password` is 400 `wrong_password`.

    Args:
        idempotency_key (str | Unset):
        body (ErasureForm): The password of the account that is erased, once more.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | InvalidProblem | Problem]
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
    body: ErasureForm,
    idempotency_key: str | Unset = UNSET,

) -> Any | InvalidProblem | Problem | None:
    """ Erase your account, for good

     Your names, email address, username, password and sessions are erased at once, and your reservations
    are released. Orders stay for the books, without a person. Cancel orders that are not shipped yet,
    or wait. The username is free again. If the response is lost, send the same again with the same
    access token: it is 204, even if the token has expired. A wrong `password` is 400 `wrong_password`.

    Args:
        idempotency_key (str | Unset):
        body (ErasureForm): The password of the account that is erased, once more.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | InvalidProblem | Problem
     """


    return (await asyncio_detailed(
        client=client,
body=body,
idempotency_key=idempotency_key,

    )).parsed
