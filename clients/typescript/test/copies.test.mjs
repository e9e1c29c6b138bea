// What the copy of the catalog holds while all of it is read anew.
import assert from "node:assert/strict";
import test from "node:test";

import { CatalogCopy, NoAnswer } from "../dist/index.js";
import { CUT, problem, shopThat } from "./shops.mjs";

/** A page of one product. */
function page(id, has_more) {
  return Response.json({ results: [{ id }], gone: [], categories: [], next_cursor: `after ${id}`, has_more });
}

test("a copy keeps its old products until all is read anew", async () => {
  const copy = new CatalogCopy({ cursor: "an old cursor", products: { 1: { id: "1" } }, categories: {} });
  const tooOld = problem(410, "cursor_expired");
  await assert.rejects(copy.update(shopThat([tooOld, page("2", true), CUT]).api), NoAnswer);
  assert.deepEqual([copy.state.cursor, Object.keys(copy.state.products)], ["an old cursor", ["1"]]);
  await copy.update(shopThat([tooOld, page("2", true), page("3", false)]).api);
  assert.deepEqual([copy.state.cursor, Object.keys(copy.state.products)], ["after 3", ["2", "3"]]);
});
