/** What the shop refuses. */

import type { components } from "./generated.js";

export type Problem = components["schemas"]["Problem"];

/** Codes of problems other than 429 that say so. After `unavailable` and `internal_error` it is not known. */
const NOTHING_WAS_DONE = new Set<unknown>(["request_timeout", "too_many_connections"]);

/** The shop said no, for a reason that `problem` has. */
export class Refused extends Error {
  override readonly name = "Refused";
  /** When to ask again, in seconds; null: the shop did not say. */
  readonly retryAfterS: number | null;

  constructor(
    readonly problem: Problem | undefined,
    response: Response,
  ) {
    super(problem?.detail ?? `The answer ${response.status} cannot be read.`);
    this.retryAfterS = retryAfterS(response);
  }
}

/** The code of the problem that it is; null if it is none. */
export async function codeOf(response: Response): Promise<unknown> {
  const problem: unknown = await response
    .clone()
    .json()
    .catch(() => null);
  return typeof problem === "object" && problem !== null && "code" in problem ? problem.code : null;
}

/** Whether the shop says so. The answer of a proxy, which is no problem document, does not. */
export async function saysNothingWasDone(response: Response): Promise<boolean> {
  if (response.headers.get("content-type") !== "application/problem+json") return false;
  return response.status === 429 || NOTHING_WAS_DONE.has(await codeOf(response));
}

/** When the shop wants to be asked again, in seconds; null: it did not say. */
export function retryAfterS(response: Response): number | null {
  const sent = response.headers.get("retry-after") ?? "";
  return /^\d+$/.test(sent) ? Number(sent) : null;
}
