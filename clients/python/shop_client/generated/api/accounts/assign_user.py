from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...types import Response, UNSET
from ... import errors

from ...models.account_body import AccountBody
from ...models.account_status_form import AccountStatusForm
from ...models.invalid_problem import InvalidProblem
from ...models.problem import Problem
from ...types import UNSET, Unset
from typing import cast
from uuid import UUID



def _get_kwargs(
    user_id: UUID,
    *,
    body: AccountStatusForm,
    idempotency_key: str | Unset = UNSET,

) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key



    

    

    _kwargs: dict[str, Any] = {
        "method": "patch",
        "url": "/api/v1/users/{user_id}".format(user_id=quote(str(user_id), safe=""),),
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs



def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> AccountBody | InvalidProblem | Problem | None:
    if response.status_code == 200:
        response_200 = AccountBody.from_dict(response.json())



        return response_200

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


def _build_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Response[AccountBody | InvalidProblem | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    user_id: UUID,
    *,
    client: AuthenticatedClient,
    body: AccountStatusForm,
    idempotency_key: str | Unset = UNSET,

) -> Response[AccountBody | InvalidProblem | Problem]:
    """ Give a user another role, or deactivate or reactivate them

     For admins, within 15 minutes of their login. Fields that you leave out stay as they are. A
    deactivated user cannot log in, and all their sessions end within about a second. The last active
    admin cannot be changed.

    Args:
        user_id (UUID):
        idempotency_key (str | Unset):
        body (AccountStatusForm): The role of an account, and whether it may log in; fields that
            you leave out stay as they are.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[AccountBody | InvalidProblem | Problem]
     """


    kwargs = _get_kwargs(
        user_id=user_id,
body=body,
idempotency_key=idempotency_key,

    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)

def sync(
    user_id: UUID,
    *,
    client: AuthenticatedClient,
    body: AccountStatusForm,
    idempotency_key: str | Unset = UNSET,

) -> AccountBody | InvalidProblem | Problem | None:
    """ Give a user another role, or deactivate or reactivate them

     For admins, within 15 minutes of their login. Fields that you leave out stay as they are. A
    deactivated user cannot log in, and all their sessions end within about a second. The last active
    admin cannot be changed.

    Args:
        user_id (UUID):
        idempotency_key (str | Unset):
        body (AccountStatusForm): The role of an account, and whether it may log in; fields that
            you leave out stay as they are.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        AccountBody | InvalidProblem | Problem
     """


    return sync_detailed(
        user_id=user_id,
client=client,
body=body,
idempotency_key=idempotency_key,

    ).parsed

async def asyncio_detailed(
    user_id: UUID,
    *,
    client: AuthenticatedClient,
    body: AccountStatusForm,
    idempotency_key: str | Unset = UNSET,

) -> Response[AccountBody | InvalidProblem | Problem]:
    """ Give a user another role, or deactivate or reactivate them

     For admins, within 15 minutes of their login. Fields that you leave out stay as they are. A
    deactivated user cannot log in, and all their sessions end within about a second. The last active
    admin cannot be changed.

    Args:
        user_id (UUID):
        idempotency_key (str | Unset):
        body (AccountStatusForm): The role of an account, and whether it may log in; fields that
            you leave out stay as they are.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[AccountBody | InvalidProblem | Problem]
     """


    kwargs = _get_kwargs(
        user_id=user_id,
body=body,
idempotency_key=idempotency_key,

    )

    response = await client.get_async_httpx_client().request(
        **kwargs
    )

    return _build_response(client=client, response=response)

async def asyncio(
    user_id: UUID,
    *,
    client: AuthenticatedClient,
    body: AccountStatusForm,
    idempotency_key: str | Unset = UNSET,

) -> AccountBody | InvalidProblem | Problem | None:
    """ Give a user another role, or deactivate or reactivate them

     For admins, within 15 minutes of their login. Fields that you leave out stay as they are. A
    deactivated user cannot log in, and all their sessions end within about a second. The last active
    admin cannot be changed.

    Args:
        user_id (UUID):
        idempotency_key (str | Unset):
        body (AccountStatusForm): The role of an account, and whether it may log in; fields that
            you leave out stay as they are.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        AccountBody | InvalidProblem | Problem
     """


    return (await asyncio_detailed(
        user_id=user_id,
client=client,
body=body,
idempotency_key=idempotency_key,

    )).parsed
