import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, it } from "vitest";
import { startApi } from "../detect/api/server.ts";
import { createControl } from "../detect/control.ts";
import { createDetection } from "../detect/detection.ts";
import { createFeedControl, FEEDS_MAX, type FeedControl } from "../detect/feed-control.ts";
import { createProcessor } from "../detect/processor.ts";
import { createService, type DetectionService } from "../detect/service.ts";
import { openWorkspace, type Workspace } from "../detect/workspace.ts";
import { event, flow, message, T0 } from "./support/detect-events.ts";

const KEY = "a-key-of-sixteen-or-more";
let workspace: Workspace;
let service: DetectionService;
let feeds: FeedControl;
let web: Server;
let answer = { status: 200, text: "203.0.113.9\n" };
let url = "";
let stop: () => Promise<void>;

beforeEach(async () => {
  answer = { status: 200, text: "203.0.113.9\n" };
  web = createServer((_, response) => response.writeHead(answer.status).end(answer.text));
  await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
  workspace = await openWorkspace(":memory:", { isolated: true });
  const processor = createProcessor(createDetection());
  service = await createService({ processor, workspace, now: () => T0 });
  feeds = await createFeedControl(workspace, [], T0);
  const control = await createControl({ processor, workspace, intel: feeds.intel });
  const ports = { service, control, workspace, feeds, now: () => T0 };
  const started = await startApi(ports, { keys: [KEY] });
  url = started.url;
  stop = started.close;
});
afterEach(async () => {
  await stop();
  web.close();
  await workspace.close();
});

const source = () => `http://127.0.0.1:${(web.address() as AddressInfo).port}/drop.txt`;

async function call(method: string, path: string, body?: unknown, key = KEY) {
  const response = await fetch(url + path, {
    method,
    headers: {
      "x-api-key": key,
      ...(body !== undefined && { "content-type": "application/json" }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === "" ? null : JSON.parse(text) };
}

const alerts = async (atMs: number) => {
  await service.ingest(message("dev1", [event("NetworkActivity", atMs, [flow({})])], atMs));
  const { body } = await call("GET", "/api/alerts?type=IoT_TiConnection&state=active");
  return body.alerts.map(({ explanation }: { explanation: string }) => explanation);
};

it("feeds over the API: a feed counts as soon as it is put, and no longer when it is removed", async () => {
  expect(await alerts(0)).toEqual([]);
  const put = await call("PUT", "/api/feeds/own", {
    format: "list",
    content: "203.0.113.0/24\nx y",
  });
  expect(put).toMatchObject({ status: 201, body: { name: "own", indicators: 1, refusedCount: 1 } });
  expect((await alerts(1000))[0]).toMatch(/which feed own lists as 203\.0\.113\.0\/24/);
  const other = await call("PUT", "/api/feeds/own", { format: "list", content: "198.51.100.1" });
  expect(other).toMatchObject({ status: 200, body: { indicators: 1 } });
  expect(feeds.intel.address("203.0.113.9")).toBeNull();
  expect((await call("DELETE", "/api/feeds/own")).status).toBe(204);
  expect((await call("DELETE", "/api/feeds/own")).status).toBe(404);
  expect(feeds.intel.size).toBe(0);
});

it("feeds over the API: a refresh reads anew, and what fails keeps the former content", async () => {
  expect((await call("PUT", "/api/feeds/drop", { format: "list", source: source() })).status).toBe(
    201,
  );
  expect(feeds.intel.address("203.0.113.9")).toMatchObject({ feed: "drop" });
  answer = { status: 200, text: "198.51.100.7\n" };
  expect((await call("POST", "/api/feeds/drop/refresh")).body).toMatchObject({ error: null });
  expect(feeds.intel.address("203.0.113.9")).toBeNull();
  answer = { status: 500, text: "" };
  const failed = await call("POST", "/api/feeds/drop/refresh");
  expect(failed.body).toMatchObject({ indicators: 1, error: "feed drop: HTTP 500" });
  expect(feeds.intel.address("198.51.100.7")).toMatchObject({ feed: "drop" });
  expect((await call("POST", "/api/feeds/none/refresh")).status).toBe(404);
});

it("feeds over the API: they are those of the next start", async () => {
  await call("PUT", "/api/feeds/own", { format: "list", content: "203.0.113.0/24" });
  await call("PUT", "/api/feeds/drop", { format: "list", source: source(), refresh: "PT5M" });
  const again = await createFeedControl(workspace, [], T0);
  expect(again.intel.status().map(({ name }) => name)).toEqual(["own", "drop"]);
  expect(again.intel.size).toBe(2);
});

it.each([
  ["own", { format: "list", source: "/etc/passwd" }, /the source must be an http or https URL/],
  ["own", { format: "list", source: "file:///etc/passwd" }, /http or https URL/],
  ["own", { format: "list" }, /give source or content/],
  ["own", { format: "list", content: "", source: "http://a/" }, /give source or content/],
  ["own", { format: "pdf", content: "" }, /format/],
  ["own", { format: "list", content: "", refresh: "1h" }, /refresh: "1h" is no ISO 8601 duration/],
  ["own", { format: "list", content: "", colour: 1 }, /additional properties/],
  ["%2e%2e%2fx", { format: "list", content: "" }, /a feed's name has/],
])("feeds over the API: %s %j is refused in one line", async (name, body, text) => {
  const { status, body: told } = await call("PUT", `/api/feeds/${name}`, body);
  expect(status).toBe(400);
  expect(told.error).toMatch(text);
  expect(feeds.intel.status()).toEqual([]);
});

it("feeds over the API: FEEDS_MAX are taken, one more is refused, and nothing without a key", async () => {
  const body = { format: "list", content: "203.0.113.0/24" };
  for (let n = 0; n < FEEDS_MAX; n++) {
    expect((await call("PUT", `/api/feeds/feed-${n}`, body)).status).toBe(201);
  }
  expect((await call("PUT", "/api/feeds/one-more", body)).status).toBe(400);
  expect((await call("PUT", "/api/feeds/feed-0", body)).status).toBe(200);
  for (const [method, path] of [
    ["GET", "/api/feeds"],
    ["PUT", "/api/feeds/feed-1"],
    ["DELETE", "/api/feeds/feed-1"],
    ["POST", "/api/feeds/feed-1/refresh"],
  ] as const) {
    const given = method === "PUT" ? body : undefined;
    expect((await call(method, path, given, "wrong")).status, method).toBe(401);
  }
  expect(feeds.intel.status()).toHaveLength(FEEDS_MAX);
});
