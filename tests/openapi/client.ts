// A typed client, as somebody would write it: it only has to compile, against the types made from the document.
import createClient from "openapi-fetch";
import type { components, paths } from "./api";

const ocrch = createClient<paths>({ baseUrl: "http://127.0.0.1:8080" });

export async function order(): Promise<components["schemas"]["Order"]> {
  const { data, error } = await ocrch.POST("/api/v1/service/orders", {
    params: { header: { "Idempotency-Key": "A-1042" } },
    body: { order_id: "A-1042", amount: "19.99", webhook_url: "https://shop.example.com/ocrch-webhook" },
  });
  if (!data) throw new Error(error);
  return data;
}

export async function choose(id: string, url: string): Promise<string> {
  const { data, error } = await ocrch.POST("/api/v1/user/orders/{id}/payment", {
    params: { path: { id }, header: { "Ocrch-Signed-Url": url } },
    body: { blockchain: "eth", stablecoin: "USDT" },
  });
  if (!data) throw new Error(error);
  return `${data.amount} to ${data.wallet_address}, in ${data.confirmations_required satisfies number} confirmations`;
}

export function receive(event: components["schemas"]["OrderEvent"]): boolean {
  // @ts-expect-error An order's webhook never says that it is pending.
  const never = event.status === "pending";
  return event.status === "paid" && event.payment !== undefined && !never;
}
