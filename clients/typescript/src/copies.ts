/**
 * Copies of the catalog and of one's orders that follow what changes: what to show without a line, or at once.
 *
 * `state` may be stored between two updates, as JSON; an update goes on from there. Do not update a copy twice at once.
 */

import type { Client } from "openapi-fetch";

import type { components, paths } from "./generated.js";
import { Refused } from "./refusals.js";

type Schemas = components["schemas"];
type Api = Client<paths>;

const CHANGES_AT_ONCE = 200;
const ORDERS_AT_ONCE = 200;
const ORDERS_IN_A_RANGE = 100;

export interface CatalogState {
  /** Up to where the copy is complete; `null`: there is nothing in it. */
  cursor: string | null;
  /** By id. */
  products: Record<string, Schemas["ProductBody"]>;
  /** By id. */
  categories: Record<string, Schemas["CategoryInCopy"]>;
}

/** A copy of the catalog. Units change too often for that: ask for those of the products on the screen. */
export class CatalogCopy {
  constructor(public state: CatalogState = { cursor: null, products: {}, categories: {} }) {}

  /**
   * Bring it up to date. After an exception it can go on from where it was. If all has to be read anew, the old products
   * stay until that is done. Throws `Refused` and `NoAnswer`.
   */
  async update(api: Api): Promise<void> {
    for (let hasMore = true; hasMore; ) {
      const after = this.state.cursor;
      const query = { limit: CHANGES_AT_ONCE, ...(after === null ? {} : { after }) };
      const { data, error, response } = await api.GET("/api/v1/catalog/changes", { params: { query } });
      if (response.status === 410 && after !== null) {
        const anew = new CatalogCopy(); // the cursor is too old, or the shop was set back
        await anew.update(api);
        this.state = anew.state;
        return;
      }
      if (!data) throw new Refused(error, response);
      for (const product of data.results) this.state.products[product.id] = product;
      for (const id of data.gone) delete this.state.products[id];
      if (data.categories) this.state.categories = byId(data.categories);
      this.state.cursor = data.next_cursor;
      hasMore = data.has_more;
    }
  }
}

export interface OrdersState {
  /** By id. */
  orders: Record<string, Schemas["OrderBody"]>;
  /** Orders with smaller ids are not in the copy; `null`: all are. */
  oldest: string | null;
}

/** A copy of the orders of whoever is logged in. */
export class OrdersCopy {
  constructor(public state: OrdersState = { orders: {}, oldest: null }) {}

  /** Bring it up to date. After an exception it can go on from where it was. Throws `Refused` and `NoAnswer`. */
  async update(api: Api): Promise<void> {
    const { oldest } = this.state;
    for (;;) {
      const body = { ranges: this.#ranges(), ...(oldest === null ? {} : { oldest }) };
      const { data, error, response } = await api.POST("/api/v1/orders/changes", { body });
      if (!data) throw new Refused(error, response);
      if (data.changed.length === 0) return;
      const missing = data.changed.flatMap((different) => this.#take(different));
      for (const ids of pieces(missing, ORDERS_AT_ONCE)) {
        const page = await api.GET("/api/v1/orders", { params: { query: { ids, limit: ORDERS_AT_ONCE } } });
        if (!page.data) throw new Refused(page.error, page.response);
        Object.assign(this.state.orders, byId(page.data.results));
      }
    }
  }

  #ranges(): Schemas["KnownRangeForm"][] {
    return pieces(Object.keys(this.state.orders).sort(), ORDERS_IN_A_RANGE).map((ids) => {
      const xor = ids.reduce((sum, id) => sum ^ BigInt(`0x${this.state.orders[id]?.tag}`), 0n);
      return { first: ids[0] ?? "", xor: xor.toString(16).padStart(16, "0") };
    });
  }

  /** Drop what is gone; the ids of what has to be read. */
  #take({ first = "", end = "g", orders }: Schemas["DifferentRangeBody"]): string[] {
    const mine = this.state.orders;
    const named = new Map(orders.map(({ id, tag }) => [id, tag]));
    for (const id of Object.keys(mine)) if (first <= id && id < end && !named.has(id)) delete mine[id];
    return [...named].filter(([id, tag]) => mine[id]?.tag !== tag).map(([id]) => id);
  }
}

function byId<T extends { id: string }>(things: readonly T[]): Record<string, T> {
  return Object.fromEntries(things.map((thing) => [thing.id, thing]));
}

function pieces<T>(things: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(things.length / size) }, (_, at) => things.slice(size * at, size * (at + 1)));
}
