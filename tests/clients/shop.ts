// A typed client of the shop, as docs/clients.md shows it: it must compile under --strict.
import createClient from "openapi-fetch";
import type { components, paths } from "../../build/clients/api";

type Order = components["schemas"]["Order"];

const shop = createClient<paths>({ baseUrl: "http://127.0.0.1:5000" });

export async function order(productId: string, quantity: number): Promise<Order> {
  const { data, error } = await shop.POST("/api/orders", {
    params: { header: { "Idempotency-Key": crypto.randomUUID() } },
    body: { items: [{ productId, quantity }] },
  });
  if (error) {
    throw new Error(error.detail);
  }
  return data;
}

export async function names(containing: string): Promise<string[]> {
  const { data, error } = await shop.GET("/api/products", {
    params: { query: { q: containing } },
  });
  if (error) {
    throw new Error(error.detail);
  }
  return data.map((product) => product.name);
}
