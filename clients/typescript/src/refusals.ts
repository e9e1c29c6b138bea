/** What the shop refuses. */

import type { components } from "./generated.js";

export type Problem = components["schemas"]["Problem"];

/** The shop said no, for a reason that `problem` has. */
export class Refused extends Error {
  override readonly name = "Refused";

  constructor(readonly problem: Problem) {
    super(problem.detail);
  }
}
