// What the client makes of a refusal for now, such as 429, when it has no patience left.
import assert from "node:assert/strict";
import test from "node:test";

import { MemoryTokens, NoAnswer, OrdersCopy, Refused } from "../dist/index.js";
import { CUT, ORDER, problem, shopThat } from "./shops.mjs";

const TOO_MANY = "too_many_requests";

for (const [status, code] of [
  [429, TOO_MANY],
  [429, "a_code_of_later"],
  [408, "request_timeout"],
  [503, "too_many_connections"],
])
  for (const retryAfterS of [90, 1])
    test(`${status} ${code} after ${retryAfterS} s is the answer when patience ends: nothing was done`, async () => {
      const { api } = shopThat([problem(status, code, retryAfterS)]);
      const { error, response } = await api.POST("/api/v1/orders", ORDER);
      assert.deepEqual([response.status, response.headers.get("retry-after")], [status, String(retryAfterS)]);
      assert.deepEqual([error.code, error.detail], [code, "Not now."]);
    });

test("what any try may have done is not known", async () => {
  for (const answers of [
    [problem(503, "unavailable")],
    [problem(500, "internal_error")],
    [new Response("<h1>Too many requests</h1>", { status: 429, headers: { "retry-after": "90" } })],
    [CUT, problem(429, TOO_MANY)],
    [problem(503, "unavailable", 1), problem(429, TOO_MANY)],
    [new Response(null, { status: 502 }), problem(429, TOO_MANY)],
    [problem(429, TOO_MANY, 1), CUT],
  ])
    await assert.rejects(shopThat(answers).api.POST("/api/v1/orders", ORDER), (error) => {
      assert(error instanceof NoAnswer);
      assert.notEqual(error.key, null);
      return true;
    });
});

test("a read does nothing, so that a refusal is its answer whatever came before", async () => {
  const { response } = await shopThat([CUT, problem(429, TOO_MANY)]).api.GET("/api/v1/orders");
  assert.equal(response.status, 429);
  const { api } = shopThat([problem(429, TOO_MANY, 1), problem(503, "unavailable")]);
  await assert.rejects(api.GET("/api/v1/orders"), NoAnswer);
});

test("a refused login and a refused copy say why and when to ask again", async () => {
  const shop = shopThat([problem(429, "too_many_attempts", 1_200)]);
  for (const ask of [() => shop.logIn("ada", "a guess"), () => new OrdersCopy().update(shop.api)])
    await assert.rejects(ask, (error) => {
      assert(error instanceof Refused);
      assert.deepEqual([error.problem.code, error.retryAfterS], ["too_many_attempts", 1_200]);
      return true;
    });
});

test("who is refused a refresh or a log-out for now stays logged in", async () => {
  const store = new MemoryTokens();
  const tokens = { access: "ended", refresh: "a refresh token", username: "ada" };
  store.save(tokens);
  const ended = problem(401, "invalid_token");
  const { api } = shopThat([ended, ended, problem(429, TOO_MANY)], store);
  const answers = await Promise.all([api.POST("/api/v1/orders", ORDER), api.POST("/api/v1/orders", ORDER)]);
  assert.deepEqual(
    answers.map(({ error }) => error.code),
    [TOO_MANY, TOO_MANY],
  );
  await assert.rejects(shopThat([problem(429, TOO_MANY)], store).logOut(), { name: "Refused", retryAfterS: 90 });
  assert.deepEqual(store.load(), tokens);
});

test("an answer that only a gateway gives says nothing about the order", async () => {
  for (const status of [520, 524, 530]) {
    const gateway = new Response("<h1>A timeout occurred</h1>", { status });
    const { response } = await shopThat([gateway, problem(409, "key_reused")]).api.POST("/api/v1/orders", ORDER);
    assert.equal(response.status, 409);
    await assert.rejects(shopThat([gateway]).api.POST("/api/v1/orders", ORDER), NoAnswer);
    const body = { old_password: "an old password", new_password: "a new password" };
    await assert.rejects(shopThat([gateway]).api.POST("/api/v1/users/me/password", { body }), NoAnswer);
  }
});
