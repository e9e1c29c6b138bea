from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...types import Response, UNSET
from ... import errors

from ...models.email_form import EmailForm
from ...models.invalid_problem import InvalidProblem
from ...models.problem import Problem
from typing import cast



def _get_kwargs(
    *,
    body: EmailForm,

) -> dict[str, Any]:
    headers: dict[str, Any] = {}


    

    

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/api/v1/auth/password-reset",
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs



def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Any | InvalidProblem | Problem | None:
    if response.status_code == 202:
        response_202 = cast(Any, None)
        return response_202

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
    client: AuthenticatedClient | Client,
    body: EmailForm,

) -> Response[Any | InvalidProblem | Problem]:
    """ Get a code for another password by mail

     For users who forgot theirs and have confirmed their address. The answer is the same for every
    address, and takes the same time: nobody learns who has an account. A code works once, within an
    hour. After 5 mails to one address, or 20 requests from one client, wait. Shops that send no mails
    answer 409 `no_mail`: their admins hand codes over.

    Args:
        body (EmailForm): An email address that its account has confirmed.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | InvalidProblem | Problem]
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
    client: AuthenticatedClient | Client,
    body: EmailForm,

) -> Any | InvalidProblem | Problem | None:
    """ Get a code for another password by mail

     For users who forgot theirs and have confirmed their address. The answer is the same for every
    address, and takes the same time: nobody learns who has an account. A code works once, within an
    hour. After 5 mails to one address, or 20 requests from one client, wait. Shops that send no mails
    answer 409 `no_mail`: their admins hand codes over.

    Args:
        body (EmailForm): An email address that its account has confirmed.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | InvalidProblem | Problem
     """


    return sync_detailed(
        client=client,
body=body,

    ).parsed

async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
    body: EmailForm,

) -> Response[Any | InvalidProblem | Problem]:
    """ Get a code for another password by mail

     For users who forgot theirs and have confirmed their address. The answer is the same for every
    address, and takes the same time: nobody learns who has an account. A code works once, within an
    hour. After 5 mails to one address, or 20 requests from one client, wait. Shops that send no mails
    answer 409 `no_mail`: their admins hand codes over.

    Args:
        body (EmailForm): An email address that its account has confirmed.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | InvalidProblem | Problem]
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
    client: AuthenticatedClient | Client,
    body: EmailForm,

) -> Any | InvalidProblem | Problem | None:
    """ Get a code for another password by mail

     For users who forgot theirs and have confirmed their address. The answer is the same for every
    address, and takes the same time: nobody learns who has an account. A code works once, within an
    hour. After 5 mails to one address, or 20 requests from one client, wait. Shops that send no mails
    answer 409 `no_mail`: their admins hand codes over.

    Args:
        body (EmailForm): An email address that its account has confirmed.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | InvalidProblem | Problem
     """


    return (await asyncio_detailed(
        client=client,
body=body,

    )).parsed
