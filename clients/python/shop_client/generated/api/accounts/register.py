from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...types import Response, UNSET
from ... import errors

from ...models.invalid_problem import InvalidProblem
from ...models.problem import Problem
from ...models.registration_form import RegistrationForm
from ...models.user_body import UserBody
from ...types import UNSET, Unset
from typing import cast



def _get_kwargs(
    *,
    body: RegistrationForm,
    idempotency_key: str | Unset = UNSET,

) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key



    

    

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/api/v1/auth/register",
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs



def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> InvalidProblem | Problem | UserBody | None:
    if response.status_code == 201:
        response_201 = UserBody.from_dict(response.json())



        return response_201

    if response.status_code == 400:
        response_400 = InvalidProblem.from_dict(response.json())



        return response_400

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


def _build_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Response[InvalidProblem | Problem | UserBody]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient | Client,
    body: RegistrationForm,
    idempotency_key: str | Unset = UNSET,

) -> Response[InvalidProblem | Problem | UserBody]:
    """ Open an account

     A username has 3 to 150 letters, digits and . @ + - _; two usernames may not differ in case only. A
    password has 8 to 256 characters of any kind; the most common passwords, and the username or email
    address, are refused. If the response is lost, send the same again with the same `Idempotency-Key`:
    you get the account, not `username_taken`.

    Args:
        idempotency_key (str | Unset):
        body (RegistrationForm): A new user.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[InvalidProblem | Problem | UserBody]
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
    client: AuthenticatedClient | Client,
    body: RegistrationForm,
    idempotency_key: str | Unset = UNSET,

) -> InvalidProblem | Problem | UserBody | None:
    """ Open an account

     A username has 3 to 150 letters, digits and . @ + - _; two usernames may not differ in case only. A
    password has 8 to 256 characters of any kind; the most common passwords, and the username or email
    address, are refused. If the response is lost, send the same again with the same `Idempotency-Key`:
    you get the account, not `username_taken`.

    Args:
        idempotency_key (str | Unset):
        body (RegistrationForm): A new user.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        InvalidProblem | Problem | UserBody
     """


    return sync_detailed(
        client=client,
body=body,
idempotency_key=idempotency_key,

    ).parsed

async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
    body: RegistrationForm,
    idempotency_key: str | Unset = UNSET,

) -> Response[InvalidProblem | Problem | UserBody]:
    """ Open an account

     A username has 3 to 150 letters, digits and . @ + - _; two usernames may not differ in case only. A
    password has 8 to 256 characters of any kind; the most common passwords, and the username or email
    address, are refused. If the response is lost, send the same again with the same `Idempotency-Key`:
    you get the account, not `username_taken`.

    Args:
        idempotency_key (str | Unset):
        body (RegistrationForm): A new user.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[InvalidProblem | Problem | UserBody]
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
    client: AuthenticatedClient | Client,
    body: RegistrationForm,
    idempotency_key: str | Unset = UNSET,

) -> InvalidProblem | Problem | UserBody | None:
    """ Open an account

     A username has 3 to 150 letters, digits and . @ + - _; two usernames may not differ in case only. A
    password has 8 to 256 characters of any kind; the most common passwords, and the username or email
    address, are refused. If the response is lost, send the same again with the same `Idempotency-Key`:
    you get the account, not `username_taken`.

    Args:
        idempotency_key (str | Unset):
        body (RegistrationForm): A new user.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        InvalidProblem | Problem | UserBody
     """


    return (await asyncio_detailed(
        client=client,
body=body,
idempotency_key=idempotency_key,

    )).parsed
