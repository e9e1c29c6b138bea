// What the client makes of tokens that have ended.
import assert from "node:assert/strict";
import test from "node:test";

import { LoggedOut, MemoryTokens, NoAnswer, OrdersCopy } from "../dist/index.js";
import { CUT, ORDER, problem, shopThat } from "./shops.mjs";

const ENDED = problem(401, "invalid_token");
const NEW = Response.json({ access: "new", refresh: "new" });

/** A store in which somebody is logged in. */
function loggedIn() {
  const store = new MemoryTokens();
  store.save({ access: "old", refresh: "old" });
  return store;
}

test("an order that may have been placed keeps its key whatever becomes of the refresh", async () => {
  for (const answers of [
    [ENDED],
    [problem(429, "too_many_requests")],
    [CUT],
    [NEW, problem(429, "too_many_requests")],
    [NEW, CUT],
    [NEW, ENDED],
  ]) {
    const { api } = shopThat([CUT, ENDED, ...answers], loggedIn());
    const params = { header: { "Idempotency-Key": "my order" } };
    await assert.rejects(api.POST("/api/v1/orders", { params, ...ORDER }), (error) => {
      assert(error instanceof NoAnswer, String(error));
      assert.deepEqual([error.key, new URL(error.request.url).pathname], ["my order", "/api/v1/orders"]);
      return true;
    });
  }
});

test("what has not happened is refused as it is when the session has ended", async () => {
  await assert.rejects(shopThat([ENDED], loggedIn()).api.POST("/api/v1/orders", ORDER), LoggedOut);
  await assert.rejects(new OrdersCopy().update(shopThat([CUT, ENDED], loggedIn()).api), LoggedOut);
});
