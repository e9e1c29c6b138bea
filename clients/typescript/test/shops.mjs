// Shops that give certain answers, for the tests.
import { MemoryTokens, ShopClient } from "../dist/index.js";

export const CUT = new TypeError("the line is cut");
export const ORDER = { body: { lines: [{ product_id: "00000000-0000-0000-0000-000000000001", quantity: 1 }] } };

/** As the shop refuses. */
export function problem(status, code, retryAfterS = 90) {
  const headers = { "content-type": "application/problem+json", "retry-after": String(retryAfterS) };
  const members = { type: `/docs/errors#${code}`, title: "No", status, detail: "Not now.", code };
  return new Response(JSON.stringify({ ...members, instance: "/", request_id: "1" }), { status, headers });
}

/** Gets these answers, the last one again and again; its patience ends with a pause past 60 seconds. */
export function shopThat(answers, store = new MemoryTokens()) {
  const left = [...answers];
  let clock = 0;
  return new ShopClient("http://shop.example", {
    store,
    now: () => clock,
    sleep: async (milliseconds) => void (clock += milliseconds),
    fetch: async () => {
      const given = left.length > 1 ? left.shift() : left[0];
      if (given instanceof Error) throw given;
      return given.clone();
    },
  });
}
