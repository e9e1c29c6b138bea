/**
 * A client of the shop's API: what you ask for happens once, however bad the line.
 *
 *     const shop = new ShopClient("https://shop.example");
 *     await shop.logIn("ada", "a long enough password");
 *     const { data, error } = await shop.api.POST("/api/v1/orders", {
 *       body: { lines: [{ product_id: lamp, quantity: 1 }] },
 *     });
 *
 * `shop.api` is typed by the description of the API. Below it is the thin layer that a phone needs: a key before the
 * first try and the same one for each retry, one refresh of the tokens for all calls that wait, and copies of the catalog
 * and of one's orders that follow what changes.
 */

import createClient, { type Client } from "openapi-fetch";

import type { paths } from "./generated.js";
import { Refused } from "./refusals.js";
import { type Fetch, keyed, retrying, type RetryOptions } from "./retries.js";
import { authorized, MemoryTokens, type TokenStore } from "./tokens.js";

export { CatalogCopy, OrdersCopy, type CatalogState, type OrdersState } from "./copies.js";
export { Refused, type Problem } from "./refusals.js";
export { NoAnswer, type Fetch, type RetryOptions } from "./retries.js";
export { LoggedOut, MemoryTokens, type Tokens, type TokenStore } from "./tokens.js";
export type { components, paths } from "./generated.js";

export interface ShopOptions extends RetryOptions {
  /** Keeps the tokens. By default: as long as this client lives; then the shop does not recognise the device later. */
  store?: TokenStore;
  /** Sends one request; by default the `fetch` of the platform. */
  fetch?: Fetch;
}

/** A connection to a shop, with somebody logged in or not. */
export class ShopClient {
  /** Every operation of the API, by its path. */
  readonly api: Client<paths>;
  readonly #store: TokenStore;

  /** @param url of the shop, e.g. `https://shop.example` */
  constructor(url: string, options: ShopOptions = {}) {
    this.#store = options.store ?? new MemoryTokens();
    const send = authorized(retrying(options.fetch ?? ((request) => fetch(request)), options), this.#store);
    this.api = createClient<paths>({
      baseUrl: url,
      fetch: (request) => send(keyed(request)),
      querySerializer: { array: { style: "form", explode: false } },
    });
  }

  /**
   * Log in; the tokens are kept. From the second time on, guesses of others do not make the user wait.
   *
   * Throws `Refused` and `NoAnswer`.
   */
  async logIn(
    username: string,
    password: string,
    more: { remember?: boolean; device_name?: string } = {},
  ): Promise<void> {
    const owner = username.trim().toLowerCase();
    const device = this.#store.loadDevice(owner) ?? "";
    const body = { username, password, device, ...more };
    const { data, error, response } = await this.api.POST("/api/v1/auth/token", { body });
    if (!data) throw new Refused(error, response);
    this.#store.save({ access: data.access, refresh: data.refresh, username: owner });
    if (data.device) this.#store.saveDevice(owner, data.device);
  }

  /** End the session, and forget the tokens but that of the device. Throws `Refused` and `NoAnswer`: all are kept. */
  async logOut(): Promise<void> {
    const tokens = this.#store.load();
    if (tokens === null) return;
    const { error, response } = await this.api.POST("/api/v1/auth/logout", { body: { refresh: tokens.refresh } });
    if (!response.ok) throw new Refused(error, response);
    if (this.#store.load()?.username === tokens.username) this.#store.save(null);
  }
}
