from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...types import Response, UNSET
from ... import errors

from ...models.invalid_problem import InvalidProblem
from ...models.problem import Problem
from ...models.sessions_body import SessionsBody
from typing import cast



def _get_kwargs(
    
) -> dict[str, Any]:
    

    

    

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v1/users/me/sessions",
    }


    return _kwargs



def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> InvalidProblem | Problem | SessionsBody | None:
    if response.status_code == 200:
        response_200 = SessionsBody.from_dict(response.json())



        return response_200

    if response.status_code == 400:
        response_400 = InvalidProblem.from_dict(response.json())



        return response_400

    if response.status_code == 401:
        response_401 = Problem.from_dict(response.json())



        return response_401

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


def _build_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Response[InvalidProblem | Problem | SessionsBody]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,

) -> Response[InvalidProblem | Problem | SessionsBody]:
    """ Where you are logged in

     The session that was used last comes first. A session ends when it is not refreshed until
    `expires_at`, and after 180 days at the latest. The hundred-and-first login ends the session that
    was unused for longest.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[InvalidProblem | Problem | SessionsBody]
     """


    kwargs = _get_kwargs(
        
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)

def sync(
    *,
    client: AuthenticatedClient,

) -> InvalidProblem | Problem | SessionsBody | None:
    """ Where you are logged in

     The session that was used last comes first. A session ends when it is not refreshed until
    `expires_at`, and after 180 days at the latest. The hundred-and-first login ends the session that
    was unused for longest.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        InvalidProblem | Problem | SessionsBody
     """


    return sync_detailed(
        client=client,

    ).parsed

async def asyncio_detailed(
    *,
    client: AuthenticatedClient,

) -> Response[InvalidProblem | Problem | SessionsBody]:
    """ Where you are logged in

     The session that was used last comes first. A session ends when it is not refreshed until
    `expires_at`, and after 180 days at the latest. The hundred-and-first login ends the session that
    was unused for longest.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[InvalidProblem | Problem | SessionsBody]
     """


    kwargs = _get_kwargs(
        
    )

    response = await client.get_async_httpx_client().request(
        **kwargs
    )

    return _build_response(client=client, response=response)

async def asyncio(
    *,
    client: AuthenticatedClient,

) -> InvalidProblem | Problem | SessionsBody | None:
    """ Where you are logged in

     The session that was used last comes first. A session ends when it is not refreshed until
    `expires_at`, and after 180 days at the latest. The hundred-and-first login ends the session that
    was unused for longest.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        InvalidProblem | Problem | SessionsBody
     """


    return (await asyncio_detailed(
        client=client,

    )).parsed
