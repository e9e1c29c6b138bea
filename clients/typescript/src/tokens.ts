/** The tokens of whoever is logged in: sent with each request, refreshed when they end, kept by the application. */

import { codeOf, saysNothingWasDone } from "./refusals.js";
import { type Fetch, NoAnswer, uncertain, wanted } from "./retries.js";

const REFRESH = "/api/v1/auth/token/refresh";

/** A pair of tokens. The refresh token gives the next pair, once. */
export interface Tokens {
  readonly access: string;
  readonly refresh: string;
  /** Whose they are, in small letters: what they asked for is never sent with tokens of somebody else. */
  readonly username: string;
}

/** Where an application keeps the tokens, e.g. in the keychain of the phone. */
export interface TokenStore {
  /** The tokens that were saved last; null: nobody is logged in. */
  load(): Tokens | null;
  /** Keep them; null: forget them. */
  save(tokens: Tokens | null): void;
  /** The device token that was saved last for this username; null: there is none. */
  loadDevice(username: string): string | null;
  /** Keep the device token of a username, in small letters, beside those of others. `save(null)` leaves it. */
  saveDevice(username: string, device: string): void;
}

/** The session has ended: ask for the password again. */
export class LoggedOut extends Error {
  override readonly name = "LoggedOut";

  constructor() {
    super("The session has ended: log in again.");
  }
}

/** Keeps the tokens as long as the page or the process lives. */
export class MemoryTokens implements TokenStore {
  #tokens: Tokens | null = null;
  readonly #devices = new Map<string, string>();

  load(): Tokens | null {
    return this.#tokens;
  }

  save(tokens: Tokens | null): void {
    this.#tokens = tokens;
  }

  loadDevice(username: string): string | null {
    return this.#devices.get(username) ?? null;
  }

  saveDevice(username: string, device: string): void {
    this.#devices.set(username, device);
  }
}

/**
 * A fetch that sends the access token with each request to the shop.
 *
 * When it has ended, one request refreshes it and all others wait for that: a refresh token works once. If the shop
 * refuses that for now, such as by 429, the refusal is the answer to all of them. Throws `LoggedOut`: the session has
 * ended, and what was asked for has not happened; `NoAnswer`: it may have happened.
 */
export function authorized(send: Fetch, store: TokenStore): Fetch {
  /** By the refresh token that is being used. */
  const refreshes = new Map<string, Promise<Response | null>>();

  /** The refusal, if there is one for now. */
  async function refresh(ended: Tokens, request: Request): Promise<Response | null> {
    // Somebody else with the same store may refresh them, or log in.
    const isWanted = () => store.load()?.refresh === ended.refresh;
    const asked = new Request(new URL(REFRESH, request.url), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ refresh: ended.refresh }),
    });
    wanted.set(asked, isWanted);
    const answer = await send(asked).catch((error: unknown) => {
      if (error instanceof NoAnswer && !isWanted()) return null;
      throw error;
    });
    const pair = answer?.status === 200 ? ((await answer.json()) as Tokens) : null;
    if (answer === null || !isWanted()) return null;
    if (pair !== null) store.save({ access: pair.access, refresh: pair.refresh, username: ended.username });
    else if (answer.status === 401) store.save(null);
    return (await saysNothingWasDone(answer)) ? answer : null;
  }

  /** The answer with new tokens, or the refusal of those for now. Throws `LoggedOut` and `NoAnswer`. */
  async function sendRefreshed(request: Request, ended: Tokens): Promise<Response> {
    if (store.load()?.refresh === ended.refresh) {
      const known = refreshes.get(ended.refresh);
      const refreshing = known ?? refresh(ended, request).finally(() => refreshes.delete(ended.refresh));
      refreshes.set(ended.refresh, refreshing);
      const refusal = await refreshing.catch((error: unknown) => {
        throw error instanceof NoAnswer ? noAnswer(request, error) : error;
      });
      if (refusal !== null) return refusal.clone();
    }
    const current = store.load();
    if (current === null || current.username !== ended.username) throw new LoggedOut();
    return send(withToken(request, current));
  }

  return async (request) => {
    const tokens = store.load();
    if (tokens === null) return send(request);
    const again = request.clone();
    const first = await send(withToken(request, tokens));
    if (first.status !== 401 || (await codeOf(first)) !== "invalid_token") return first;
    if (uncertain.has(first)) uncertain.add(again);
    const response = await sendRefreshed(again, tokens).catch((error: unknown) => {
      throw error instanceof LoggedOut && uncertain.has(again) ? noAnswer(request, error) : error;
    });
    if (!uncertain.has(again) || (response.status !== 401 && !(await saysNothingWasDone(response)))) return response;
    throw noAnswer(request, `${response.status} ${await response.text()}`);
  };
}

function noAnswer(request: Request, reason: unknown): NoAnswer {
  return new NoAnswer(request, request.headers.get("idempotency-key"), String(reason));
}

function withToken(request: Request, tokens: Tokens): Request {
  const headers = new Headers(request.headers);
  headers.set("authorization", `Bearer ${tokens.access}`);
  const authorized = new Request(request, { headers });
  if (uncertain.has(request)) uncertain.add(authorized);
  return authorized;
}
