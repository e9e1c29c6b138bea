/** Asking again until there is an answer. */

import { NOT_REPEATABLE, UNKEYED } from "./generated_operations.js";
import { retryAfterS, saysNothingWasDone } from "./refusals.js";

const READS = new Set(["GET", "HEAD", "OPTIONS"]);
const WITHOUT_BODY = new Set([204, 304]);
const FIRST_PAUSE_MS = 100;
const PAUSE_MS_MAX = 5_000;

/**
 * Requests with a key of which an earlier try, without an answer, may have done what they ask for, and the responses to
 * such requests.
 */
export const uncertain = new WeakSet<Request | Response>();

/** Whether to send a request again, after a pause. Without an entry: yes. */
export const wanted = new WeakMap<Request, () => boolean>();

/** Sends one request, like the `fetch` of browsers. */
export type Fetch = (request: Request) => Promise<Response>;

/** No answer says what happened. Ask later, with the same key: what was asked for may have happened. */
export class NoAnswer extends Error {
  override readonly name = "NoAnswer";

  constructor(
    readonly request: Request,
    readonly key: string | null,
    reason: string,
  ) {
    super(`${request.method} ${new URL(request.url).pathname} got no answer (Idempotency-Key ${key ?? "-"}): ${reason}`);
  }
}

export interface RetryOptions {
  /** How long a request is repeated, in milliseconds. */
  patienceMs?: number;
  /** How long one try may take, in milliseconds: the shop answers within 30 seconds, if only that it cannot. */
  timeoutMs?: number;
  /** A clock that never goes back, in milliseconds. */
  now?: () => number;
  sleep?: (milliseconds: number) => Promise<void>;
  random?: () => number;
}

/** The request with an `Idempotency-Key`, if it changes something: then it happens once, however often it is sent. */
export function keyed(request: Request): Request {
  if (READS.has(request.method) || isOneOf(UNKEYED, request) || request.headers.has("idempotency-key")) return request;
  const headers = new Headers(request.headers);
  headers.set("idempotency-key", newKey());
  return new Request(request, { headers });
}

/** React Native has no `crypto` of its own, and pages over plain HTTP no `randomUUID`. */
function newKey(): string {
  const { crypto } = globalThis as { crypto?: Partial<Crypto> };
  if (crypto?.randomUUID) return crypto.randomUUID();
  if (!crypto?.getRandomValues)
    throw new Error("crypto.getRandomValues is missing here: without it no Idempotency-Key can be made. Add a polyfill.");
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * A fetch that repeats each request until there is an answer. It takes requests that are `keyed`.
 *
 * What takes no key is repeated only if that is harmless, such as a login. Also a refusal for now, such as 429, is an
 * answer, if it is the last one and no try can have done anything. If an earlier one can have, also before this call,
 * the response is among those that are `uncertain`. Throws `NoAnswer`: it is not known what happened.
 */
export function retrying(fetchOnce: Fetch, options: RetryOptions = {}): Fetch {
  const { patienceMs = 60_000, timeoutMs = 35_000, random = Math.random } = options;
  const now = options.now ?? (() => performance.now());
  const sleep = options.sleep ?? ((milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)));

  return async (request) => {
    const { method, headers, url } = request;
    const key = headers.get("idempotency-key");
    const sent = await request.arrayBuffer();
    const body = sent.byteLength > 0 ? sent : null;
    const isRepeatable = !isOneOf(NOT_REPEATABLE, request);
    const until = now() + patienceMs;
    let mayHaveHappened = uncertain.has(request);
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, PAUSE_MS_MAX)) {
      let reason: string;
      let refusal: Response | null = null;
      const aborter = new AbortController(); // and no AbortSignal.any, which React Native and Node.js 20.2 do not have
      const abort = () => aborter.abort(request.signal.reason);
      if (request.signal.aborted) abort();
      const once = new Request(url, { method, headers, body, signal: aborter.signal });
      request.signal.addEventListener("abort", abort);
      const timer = setTimeout(() => aborter.abort(new Error(`none came within ${timeoutMs} ms`)), timeoutMs);
      try {
        const response = await fetchOnce(once);
        const received = WITHOUT_BODY.has(response.status) ? null : await response.arrayBuffer();
        const { status, statusText } = response;
        const whole = new Response(received, { status, statusText, headers: response.headers });
        if (!isForNow(status)) {
          if (mayHaveHappened) uncertain.add(whole);
          return whole;
        }
        reason = `${status} ${await whole.clone().text()}`;
        pauseMs = Math.max(pauseMs, 1_000 * (retryAfterS(whole) ?? 0));
        if (await saysNothingWasDone(whole)) refusal = whole;
        else mayHaveHappened ||= key !== null;
      } catch (error) {
        if (request.signal.aborted) throw error;
        reason = String(error);
        mayHaveHappened ||= key !== null;
      } finally {
        clearTimeout(timer);
        request.signal.removeEventListener("abort", abort);
      }
      const pause = pauseMs * (1 + random() / 4);
      if (isRepeatable && now() + pause <= until) {
        await sleep(pause);
        if (now() <= until && (wanted.get(request)?.() ?? true)) continue; // or a phone was suspended
      }
      if (refusal !== null && !mayHaveHappened) return refusal;
      throw new NoAnswer(request, key, reason);
    }
  };
}

/** Whether the answer may be another one soon. Gateways have statuses of their own from 500 on, such as 524. */
function isForNow(status: number): boolean {
  return status === 408 || status === 429 || (status >= 500 && status !== 501);
}

function isOneOf(operations: readonly (readonly [string, RegExp])[], request: Request): boolean {
  const { pathname } = new URL(request.url);
  return operations.some(([method, pattern]) => request.method === method && pattern.test(pathname));
}
