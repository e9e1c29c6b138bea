// The shop recognises a device from which a user logged in before.
import assert from "node:assert/strict";
import test from "node:test";

import { MemoryTokens, ShopClient } from "../dist/index.js";

/** Lets everybody in, and gives each login the device that it sent, or a new one. `sent` gets the forms of logins. */
function shopWith(store, sent) {
  return new ShopClient("http://shop.example", {
    store,
    fetch: async (request) => {
      if (request.url.endsWith("/auth/logout")) return new Response(null, { status: 204 });
      const form = await request.json();
      sent.push(form);
      const device = form.device || `device ${sent.length}`;
      return Response.json({ access: "a", refresh: "r", expires_in: 300, device });
    },
  });
}

test("a login sends the device of the last login of this username, also after a log-out", async () => {
  const sent = [];
  const store = new MemoryTokens();
  const first = shopWith(store, sent);
  await first.logIn("ada", "a password");
  await first.logOut();
  assert.equal(store.load(), null);
  const later = shopWith(store, sent);
  await later.logIn("grace", "a password", { remember: true, device_name: "A phone" });
  await later.logIn(" Ada", "a password");
  await later.logIn("grace", "a password");
  assert.deepEqual(
    sent.map(({ username, device }) => [username, device]),
    [
      ["ada", ""],
      ["grace", ""],
      [" Ada", "device 1"],
      ["grace", "device 2"],
    ],
  );
  assert.deepEqual([sent[1].remember, sent[1].device_name], [true, "A phone"]);
});
