// The client on platforms that lack something, and on phones whose clock is set.
import assert from "node:assert/strict";
import test from "node:test";

import { NoAnswer, ShopClient } from "../dist/index.js";
import { ORDER, problem } from "./shops.mjs";

/** Replaces properties as long as `run` runs. */
async function replaced(properties, run) {
  const old = properties.map(([owner, name]) => Object.getOwnPropertyDescriptor(owner, name));
  for (const [owner, name, value] of properties) Object.defineProperty(owner, name, { value, configurable: true });
  try {
    return await run();
  } finally {
    for (const [at, [owner, name]] of properties.entries()) Object.defineProperty(owner, name, old[at]);
  }
}

/** Refuses an order twice for now and then for good. `keys` gets the keys. */
function shopWith(keys, options = {}) {
  const answers = [problem(503, "unavailable", 1), problem(503, "unavailable", 1), problem(409, "key_reused")];
  const fetch = async (request) => {
    keys.push(request.headers.get("idempotency-key"));
    return answers[keys.length - 1];
  };
  return new ShopClient("http://shop.example", { fetch, sleep: async () => {}, ...options });
}

const getRandomValues = crypto.getRandomValues.bind(crypto);

test("requests are sent, with keys, where AbortSignal.any and .timeout and crypto.randomUUID are missing", async () => {
  const keys = [];
  const missing = [
    [AbortSignal, "any", undefined],
    [AbortSignal, "timeout", undefined],
    [globalThis, "crypto", { getRandomValues }],
  ];
  const { response } = await replaced(missing, () => shopWith(keys).api.POST("/api/v1/orders", ORDER));
  assert.equal(response.status, 409);
  assert.match(keys[0], /^[0-9a-f]{32}$/);
  assert.deepEqual(keys, Array(3).fill(keys[0]));
});

test("without any source of keys nothing is sent, and the error names what is missing", async () => {
  const keys = [];
  const order = () => shopWith(keys).api.POST("/api/v1/orders", ORDER);
  await assert.rejects(replaced([[globalThis, "crypto", undefined]], order), /crypto\.getRandomValues is missing/);
  assert.deepEqual(keys, []);
});

test("a try ends when it has taken too long, or when the caller aborts it", async () => {
  const tries = [];
  const fetch = ({ signal }) =>
    new Promise((_, reject) => {
      tries.push(signal);
      signal.addEventListener("abort", () => reject(signal.reason));
    });
  const hanging = new ShopClient("http://shop.example", { fetch, timeoutMs: 1, patienceMs: 0 });
  await assert.rejects(hanging.api.POST("/api/v1/orders", ORDER), NoAnswer);
  const controller = new AbortController();
  const patient = new ShopClient("http://shop.example", {
    fetch: (request) => {
      const answer = fetch(request);
      controller.abort(new Error("not needed any more"));
      return answer;
    },
  });
  const order = patient.api.POST("/api/v1/orders", { ...ORDER, signal: controller.signal });
  await assert.rejects(order, /^Error: not needed any more$/);
  assert.equal(tries.length, 2);
});

test("patience does not end because the clock of the phone is set", async () => {
  let hours = 0;
  const sleep = async () => void hours++;
  const order = () => shopWith([], { sleep }).api.POST("/api/v1/orders", ORDER);
  const { response } = await replaced([[Date, "now", () => 3_600_000 * hours]], order);
  assert.equal(response.status, 409);
});
