// What the client makes of tokens that have ended.
import assert from "node:assert/strict";
import test from "node:test";

import { LoggedOut, MemoryTokens, NoAnswer, OrdersCopy, ShopClient } from "../dist/index.js";
import { CUT, ORDER, problem, shopThat } from "./shops.mjs";

const ENDED = problem(401, "invalid_token");
const NEW = Response.json({ access: "new", refresh: "new" });

/** A store in which somebody is logged in. */
function loggedIn() {
  const store = new MemoryTokens();
  store.save({ access: "old", refresh: "old", username: "ada" });
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

const GRACE = { access: "Grace's", refresh: "Grace's", username: "grace" };

/** A shop that answers by `handlers`, by the end of the path; Grace can log in. `sent` gets the tokens of orders. */
function shopOfTwo(store, handlers, sent = []) {
  return new ShopClient("http://shop.example", {
    store,
    sleep: handlers.sleep ?? (async () => {}),
    fetch: async (request) => {
      const path = new URL(request.url).pathname;
      if (path.endsWith("/auth/token")) return Response.json({ ...GRACE, expires_in: 300, device: "d" });
      const [, handler] = Object.entries(handlers).find(([end]) => path.endsWith(end));
      if (path.endsWith("/orders")) sent.push(request.headers.get("authorization"));
      return handler(request);
    },
  });
}

test("an order of somebody is never sent with the tokens of somebody else who logged in while it waited", async () => {
  for (const [first, error] of [
    [problem(429, "too_many_requests", 1), LoggedOut],
    [problem(503, "unavailable", 1), NoAnswer],
  ]) {
    const [store, sent, answers] = [loggedIn(), [], [first, ENDED]];
    const sleep = () => shop.logIn("grace", "a password");
    const shop = shopOfTwo(store, { "/orders": () => (answers.shift() ?? ENDED).clone(), sleep }, sent);
    await assert.rejects(shop.api.POST("/api/v1/orders", ORDER), error);
    assert.deepEqual(sent, ["Bearer old", "Bearer old"]);
    assert.deepEqual(store.load(), GRACE);
  }
});

test("a refresh or a log-out that ends late leaves the tokens of who logged in meanwhile", async () => {
  for (const answer of [NEW, ENDED]) {
    const store = loggedIn();
    const late = async () => {
      await shop.logIn("grace", "a password");
      return answer.clone();
    };
    const shop = shopOfTwo(store, { "/orders": () => ENDED.clone(), "/refresh": late });
    await assert.rejects(shop.api.POST("/api/v1/orders", ORDER), LoggedOut);
    assert.deepEqual(store.load(), GRACE);
  }
  const store = loggedIn();
  const late = async () => {
    await shop.logIn("grace", "a password");
    return new Response(null, { status: 204 });
  };
  const shop = shopOfTwo(store, { "/logout": late });
  await shop.logOut();
  assert.deepEqual(store.load(), GRACE);
});

test("a refresh is not repeated after a pause in which somebody else refreshed the tokens", async () => {
  for (const refusal of [problem(503, "unavailable", 1), problem(429, "too_many_requests", 1)]) {
    const [store, sent, orders] = [loggedIn(), [], [ENDED.clone(), problem(409, "key_reused")]];
    const refreshes = [refusal, ENDED.clone()];
    const handlers = {
      "/orders": () => orders.shift(),
      "/refresh": () => refreshes.shift(),
      sleep: async () => store.save({ access: "new", refresh: "new", username: "ada" }),
    };
    const { response } = await shopOfTwo(store, handlers, sent).api.POST("/api/v1/orders", ORDER);
    assert.equal(response.status, 409);
    assert.deepEqual(sent, ["Bearer old", "Bearer new"]);
    assert.equal(refreshes.length, 1);
  }
});

test("after a pause that took longer than patience nothing is sent again", async () => {
  const sent = [];
  let clock = 0;
  const suspended = new ShopClient("http://shop.example", {
    now: () => clock,
    sleep: async () => void (clock += 3_600_000),
    fetch: async (request) => {
      sent.push(request);
      throw CUT;
    },
  });
  await assert.rejects(suspended.api.POST("/api/v1/orders", ORDER), NoAnswer);
  assert.equal(sent.length, 1);
});
