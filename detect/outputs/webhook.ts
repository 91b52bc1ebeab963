/** Alerts to a webhook: POST of `{alerts: [...]}`. */
import { createHmac } from "node:crypto";
import type { Output } from "./outbox.ts";

export interface WebhookConfig {
  readonly type: "webhook";
  readonly name: string;
  readonly url: string;
  /** Signs the body: `X-Picket-Signature: sha256=<hex>`. */
  readonly secret?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const MS_MAX = 15_000;

export function createWebhook(config: WebhookConfig): Output {
  return {
    name: config.name,
    async send(alerts) {
      const body = JSON.stringify({ alerts });
      const headers: Record<string, string> = {
        "content-type": "application/json",
        ...config.headers,
      };
      if (config.secret !== undefined) {
        const signature = createHmac("sha256", config.secret).update(body).digest("hex");
        headers["x-picket-signature"] = `sha256=${signature}`;
      }
      const response = await fetch(config.url, {
        method: "POST",
        headers,
        body,
        redirect: "error",
        signal: AbortSignal.timeout(MS_MAX),
      });
      await response.arrayBuffer();
      if (!response.ok) throw new Error(`webhook ${config.name}: HTTP ${response.status}`);
    },
    close: async () => undefined,
  };
}
