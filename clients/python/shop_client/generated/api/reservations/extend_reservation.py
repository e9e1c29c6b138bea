from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...types import Response, UNSET
from ... import errors

from ...models.expired_problem import ExpiredProblem
from ...models.extension_form import ExtensionForm
from ...models.invalid_problem import InvalidProblem
from ...models.problem import Problem
from ...models.reservation_body import ReservationBody
from ...models.reservation_problem import ReservationProblem
from ...types import UNSET, Unset
from typing import cast
from uuid import UUID



def _get_kwargs(
    reservation_id: UUID,
    *,
    body: ExtensionForm,
    idempotency_key: str | Unset = UNSET,

) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key



    

    

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/api/v1/reservations/{reservation_id}/extend".format(reservation_id=quote(str(reservation_id), safe=""),),
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs



def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> ExpiredProblem | ReservationProblem | InvalidProblem | Problem | ReservationBody | None:
    if response.status_code == 200:
        response_200 = ReservationBody.from_dict(response.json())



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
        def _parse_response_409(data: object) -> ExpiredProblem | ReservationProblem:
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                response_409_type_0 = ExpiredProblem.from_dict(data)



                return response_409_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            response_409_type_1 = ReservationProblem.from_dict(data)



            return response_409_type_1

        response_409 = _parse_response_409(response.json())

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


def _build_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Response[ExpiredProblem | ReservationProblem | InvalidProblem | Problem | ReservationBody]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    reservation_id: UUID,
    *,
    client: AuthenticatedClient,
    body: ExtensionForm,
    idempotency_key: str | Unset = UNSET,

) -> Response[ExpiredProblem | ReservationProblem | InvalidProblem | Problem | ReservationBody]:
    """ Keep the units reserved for longer

     For `ttl_seconds` from now, never for shorter than before, and for 24 hours in all at most. A
    reservation that has expired cannot be extended: its units may be somebody else's.

    Args:
        reservation_id (UUID):
        idempotency_key (str | Unset):
        body (ExtensionForm): For how long from now the units stay reserved.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ExpiredProblem | ReservationProblem | InvalidProblem | Problem | ReservationBody]
     """


    kwargs = _get_kwargs(
        reservation_id=reservation_id,
body=body,
idempotency_key=idempotency_key,

    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)

def sync(
    reservation_id: UUID,
    *,
    client: AuthenticatedClient,
    body: ExtensionForm,
    idempotency_key: str | Unset = UNSET,

) -> ExpiredProblem | ReservationProblem | InvalidProblem | Problem | ReservationBody | None:
    """ Keep the units reserved for longer

     For `ttl_seconds` from now, never for shorter than before, and for 24 hours in all at most. A
    reservation that has expired cannot be extended: its units may be somebody else's.

    Args:
        reservation_id (UUID):
        idempotency_key (str | Unset):
        body (ExtensionForm): For how long from now the units stay reserved.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ExpiredProblem | ReservationProblem | InvalidProblem | Problem | ReservationBody
     """


    return sync_detailed(
        reservation_id=reservation_id,
client=client,
body=body,
idempotency_key=idempotency_key,

    ).parsed

async def asyncio_detailed(
    reservation_id: UUID,
    *,
    client: AuthenticatedClient,
    body: ExtensionForm,
    idempotency_key: str | Unset = UNSET,

) -> Response[ExpiredProblem | ReservationProblem | InvalidProblem | Problem | ReservationBody]:
    """ Keep the units reserved for longer

     For `ttl_seconds` from now, never for shorter than before, and for 24 hours in all at most. A
    reservation that has expired cannot be extended: its units may be somebody else's.

    Args:
        reservation_id (UUID):
        idempotency_key (str | Unset):
        body (ExtensionForm): For how long from now the units stay reserved.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ExpiredProblem | ReservationProblem | InvalidProblem | Problem | ReservationBody]
     """


    kwargs = _get_kwargs(
        reservation_id=reservation_id,
body=body,
idempotency_key=idempotency_key,

    )

    response = await client.get_async_httpx_client().request(
        **kwargs
    )

    return _build_response(client=client, response=response)

async def asyncio(
    reservation_id: UUID,
    *,
    client: AuthenticatedClient,
    body: ExtensionForm,
    idempotency_key: str | Unset = UNSET,

) -> ExpiredProblem | ReservationProblem | InvalidProblem | Problem | ReservationBody | None:
    """ Keep the units reserved for longer

     For `ttl_seconds` from now, never for shorter than before, and for 24 hours in all at most. A
    reservation that has expired cannot be extended: its units may be somebody else's.

    Args:
        reservation_id (UUID):
        idempotency_key (str | Unset):
        body (ExtensionForm): For how long from now the units stay reserved.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ExpiredProblem | ReservationProblem | InvalidProblem | Problem | ReservationBody
     """


    return (await asyncio_detailed(
        reservation_id=reservation_id,
client=client,
body=body,
idempotency_key=idempotency_key,

    )).parsed
