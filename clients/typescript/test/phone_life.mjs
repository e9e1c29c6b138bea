// Phones with the TypeScript client: see verification/phone_life.py, which starts this and compares with the server.
import { randomBytes } from "node:crypto";

import { CatalogCopy, MemoryTokens, OrdersCopy, ShopClient } from "../dist/index.js";

const { url, lamp, seed, wishes, phones, kinds, password, timeout_s } = JSON.parse(process.argv[2]);

/** Draws the same numbers for the same seed (mulberry32). */
function seeded(state) {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

class Phone {
  catalog = new CatalogCopy();
  orders = new OrdersCopy();
  life = { username: `ada${randomBytes(5).toString("hex")}`, orders: {}, reserved: 0, registered: [], wishes: {}, failed: [] };
  tokens = new MemoryTokens();
  reservations = [];

  constructor(number) {
    this.random = seeded(seed * 1_000 + number);
    this.shop = new ShopClient(url, {
      store: this.tokens,
      patienceMs: 240_000,
      timeoutMs: 1_000 * timeout_s,
      random: this.random,
      // Pauses are for servers that many ask: here they would only take time.
      sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds / 20)),
    });
  }

  async live() {
    await this.register(this.life.username);
    await this.shop.logIn(this.life.username, password);
    const last = Math.ceil(wishes / phones);
    for (let count = 0; count <= last; count++) {
      const kind = count === last ? "sync" : this.draw();
      this.life.wishes[kind] = (this.life.wishes[kind] ?? 0) + 1;
      try {
        await this[kind]();
      } catch (error) {
        this.life.failed.push(`${kind}: ${error}`);
      }
    }
    return this.life;
  }

  draw() {
    let left = this.random() * Object.values(kinds).reduce((sum, share) => sum + share, 0);
    for (const [kind, share] of Object.entries(kinds)) if ((left -= share) < 0) return kind;
    return "order";
  }

  async order() {
    const { data, error } = await this.shop.api.POST("/api/v1/orders", { body: { lines: [this.units(1)] } });
    this.know(data, error, 1);
  }

  async edit() {
    const found = this.oneThatIs("placed");
    if (!found) return this.order();
    const units = 1 + Math.floor(5 * this.random());
    const params = { path: { order_id: found[0] }, header: { "If-Match": `"${found[1][2]}"` } };
    const { data, error } = await this.shop.api.PUT("/api/v1/orders/{order_id}", { params, body: { lines: [this.units(units)] } });
    this.know(data, error, units);
  }

  async cancel() {
    const found = this.oneThatIs("placed");
    if (!found) return this.order();
    const params = { path: { order_id: found[0] }, header: { "If-Match": `"${found[1][2]}"` } };
    const { data, error } = await this.shop.api.POST("/api/v1/orders/{order_id}/cancel", { params });
    this.know(data, error, 0);
  }

  async delete() {
    const found = this.oneThatIs("cancelled");
    if (!found) return this.order();
    const params = { path: { order_id: found[0] }, header: { "If-Match": `"${found[1][2]}"` } };
    const { error } = await this.shop.api.DELETE("/api/v1/orders/{order_id}", { params });
    if (error) throw new Error(JSON.stringify(error));
    delete this.life.orders[found[0]];
  }

  async reserve() {
    if (this.reservations.length > 5) return this.release();
    const body = { lines: [this.units(2)], ttl_seconds: 3_600 };
    const { data, error } = await this.shop.api.POST("/api/v1/reservations", { body });
    if (!data) throw new Error(JSON.stringify(error));
    this.reservations.push(data.id);
    this.life.reserved += 2;
  }

  async release() {
    if (this.reservations.length === 0) return this.order();
    const number = Math.floor(this.random() * this.reservations.length);
    const params = { path: { reservation_id: this.reservations[number] } };
    const { error } = await this.shop.api.DELETE("/api/v1/reservations/{reservation_id}", { params });
    if (error) throw new Error(JSON.stringify(error));
    this.reservations.splice(number, 1);
    this.life.reserved -= 2;
  }

  async register(username = `${this.life.username}x${this.life.registered.length}`) {
    const { data, error } = await this.shop.api.POST("/api/v1/auth/register", { body: { username, password } });
    if (!data) throw new Error(JSON.stringify(error));
    this.life.registered.push(data.username);
  }

  /** The access token has ended: the next two requests need another one, and get the same. */
  async refresh() {
    this.tokens.save({ ...this.tokens.load(), access: "ended" });
    const answers = await Promise.all([this.shop.api.GET("/api/v1/users/me"), this.shop.api.GET("/api/v1/users/me")]);
    for (const { data, error } of answers) if (!data) throw new Error(JSON.stringify(error));
  }

  /** The copies are what the phone knows from the answers to its wishes, and what is for sale. */
  async sync() {
    await this.orders.update(this.shop.api);
    const ids = new Set([...Object.keys(this.life.orders), ...Object.keys(this.orders.state.orders)]);
    for (const id of ids) {
      const { status, version, lines = [] } = this.orders.state.orders[id] ?? {};
      const units = status === "cancelled" ? 0 : lines.reduce((sum, line) => sum + line.quantity, 0);
      const [copy, known] = [[status, units, version], this.life.orders[id]].map((each) => JSON.stringify(each));
      if (copy !== known) throw new Error(`order ${id} is ${copy}, known is ${known}`);
    }
    await this.catalog.update(this.shop.api);
    if (!(lamp in this.catalog.state.products)) throw new Error("the lamp is missing");
  }

  units(quantity) {
    return { product_id: lamp, quantity };
  }

  oneThatIs(status) {
    const found = Object.entries(this.life.orders).filter(([, known]) => known[0] === status);
    return found[Math.floor(this.random() * found.length)];
  }

  know(order, error, units) {
    if (!order) throw new Error(JSON.stringify(error));
    this.life.orders[order.id] = [order.status, units, order.version];
  }
}

const lives = await Promise.all(Array.from({ length: phones }, (_, number) => new Phone(number).live()));
console.log(JSON.stringify(lives));
