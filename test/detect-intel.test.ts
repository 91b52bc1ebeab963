import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { BlockList, isIP } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import { parseAddress } from "../detect/address.ts";
import { createDetection } from "../detect/detection.ts";
import { parseFeed } from "../detect/feeds.ts";
import { createIntel, lookupOf } from "../detect/intel.ts";
import { createPrefixTable } from "../detect/prefix-table.ts";
import { createProcessor } from "../detect/processor.ts";
import { createPrng } from "./support/detect-day.ts";
import { event, flow, message, T0 } from "./support/detect-events.ts";

const values = (
  text: string,
  format: "list" | "csv" | "jsonl" | "stix",
  column?: string | number,
) => parseFeed("f", text, { format, column }).indicators.map(({ value }) => value);

it("feeds: plain lists with comments, host files and both families", () => {
  const text =
    "# head\n203.0.113.0/24 ; SBL1\n2001:db8::/32\n\n0.0.0.0 Bad.Example.COM\nevil.example.\n";
  expect(values(text, "list")).toEqual([
    "203.0.113.0/24",
    "2001:db8::/32",
    "bad.example.com",
    "evil.example",
  ]);
});

it("feeds: a CSV column by name and by number", () => {
  const text = '#note\nid,"address",x\n1,"203.0.113.7",a\n2,nonsense,b\n3\n';
  const feed = parseFeed("f", text, { format: "csv", column: "Address" });
  expect(feed.indicators.map(({ value }) => value)).toEqual(["203.0.113.7"]);
  expect(feed.refused).toEqual([
    'line 4: "nonsense" is no address, prefix or domain',
    "line 5: has no column 2",
  ]);
  expect(values("203.0.113.7,x\n", "csv", 1)).toEqual(["203.0.113.7"]);
  expect(() => values("a,b\n", "csv", "c")).toThrow(/^feed f: line 1 has no column "c"$/);
});

it("feeds: Spamhaus lines without their metadata", () => {
  const text =
    '{"cidr":"203.0.113.0/24","sblid":"SBL1"}\n{"type":"metadata","records":1}\n{"asn":1}\nx\n';
  const feed = parseFeed("f", text, { format: "jsonl" });
  expect(feed.indicators).toHaveLength(1);
  expect(feed.refused).toEqual([
    "line 3: has none of cidr, ip, address, domain",
    "line 4: no JSON",
  ]);
});

it("feeds: STIX indicators, the rest refused by name", () => {
  const indicator = (id: string, pattern: string, more = {}) => ({
    type: "indicator",
    id: `indicator--${id}`,
    pattern_type: "stix",
    pattern,
    ...more,
  });
  const bundle = {
    type: "bundle",
    objects: [
      indicator(
        "1",
        "[ipv4-addr:value = '203.0.113.9'] OR [ipv6-addr:value ISSUBSET '2001:db8::/48']",
      ),
      indicator("2", "[domain-name:value = 'evil.example' OR file:hashes.MD5 = 'aa']", {
        valid_until: "2026-01-01T00:00:00Z",
      }),
      indicator("3", "alert tcp any", { pattern_type: "snort" }),
      indicator("4", "[ipv4-addr:value = '203.0.113.1']", { revoked: true }),
      { type: "malware", id: "malware--1" },
    ],
  };
  const feed = parseFeed("f", JSON.stringify(bundle), { format: "stix" });
  expect(feed.indicators).toEqual([
    { kind: "address", value: "203.0.113.9", untilMs: null },
    { kind: "address", value: "2001:db8::/48", untilMs: null },
    { kind: "domain", value: "evil.example", untilMs: Date.UTC(2026, 0, 1) },
  ]);
  expect(feed.refused).toEqual([
    "indicator--2: file:hashes.MD5 = 'aa'",
    "indicator--3: pattern type snort",
  ]);
});

it("feeds: nothing makes a parser throw but a feed of another format", () => {
  fc.assert(
    fc.property(fc.string(), fc.constantFrom("list", "csv", "jsonl"), (text, format) => {
      parseFeed("f", text, { format: format as "list" });
    }),
  );
});

it("intel: an alert names feed and prefix, in both directions", () => {
  const indicators = parseFeed("drop", "203.0.113.0/24\n203.0.113.9\n", {
    format: "list",
  }).indicators;
  const detection = createDetection({ intel: lookupOf("drop", indicators) });
  const state = detection.create("dev1");
  const inbound = flow({ initiator: "remote", outbound: false });
  const input = {
    kind: "event",
    event: event("NetworkActivity", 0, [inbound]),
    arrivedMs: T0,
  } as const;
  expect(detection.apply(state, input)).toMatchObject([
    {
      type: "IoT_TiConnection",
      severity: "Medium",
      cause: "203.0.113.9",
      explanation: expect.stringContaining("feed drop lists as 203.0.113.9"),
    },
  ]);
});

it("intel: a feed is read again, keeps what it had when it fails, and expires", async () => {
  let answer: { status: number; body: string } = { status: 200, body: "203.0.113.9\n" };
  const server = createServer((_, response) => {
    response.writeHead(answer.status).end(answer.body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const folder = await mkdtemp(join(tmpdir(), "picket-feeds-"));
  await writeFile(join(folder, "own.txt"), "evil.example\n");
  const intel = createIntel([
    {
      name: "web",
      source: `http://127.0.0.1:${port}/`,
      format: "list",
      refreshMs: 1000,
      expireMs: 5000,
    },
    { name: "own", source: join(folder, "own.txt"), format: "list", refreshMs: 0, expireMs: 0 },
    { name: "gone", source: join(folder, "gone.txt"), format: "list", refreshMs: 0, expireMs: 0 },
  ]);
  await intel.refresh(10_000);
  expect(intel.address("203.0.113.9")).toEqual({ feed: "web", indicator: "203.0.113.9" });
  expect(intel.domain("www.EVIL.example.")).toEqual({ feed: "own", indicator: "evil.example" });
  expect(intel.domain("example")).toBeNull();
  expect(intel.status()[2]?.error).toMatch(/^feed gone: .*ENOENT$/);
  answer = { status: 500, body: "" };
  await intel.refresh(12_000);
  expect(intel.address("203.0.113.9")).not.toBeNull();
  expect(intel.status()[0]).toMatchObject({ error: "feed web: HTTP 500", expired: false });
  await intel.refresh(15_000);
  expect(intel.address("203.0.113.9")).toBeNull();
  expect(intel.status()[0]).toMatchObject({ expired: true });
  answer = { status: 200, body: "203.0.113.10\n" };
  await intel.refresh(17_000);
  expect(intel.address("203.0.113.10")).not.toBeNull();
  server.close();
  await rm(folder, { recursive: true });
});

it("prefixes: agree with a plain search over random prefixes of both families", () => {
  const random = createPrng(3);
  const byte = () => Math.floor(random() * 4) * 64 + Math.floor(random() * 3);
  const hex = () => (Math.floor(random() * 3) * 0x5555).toString(16);
  const ipv4 = () => `${byte()}.${byte()}.${byte()}.${byte()}`;
  const ipv6 = () => `2001:${hex()}:${hex()}::${hex()}`;
  const prefixes = Array.from({ length: 400 }, (_, i) =>
    i % 2 ? `${ipv4()}/${Math.floor(random() * 33)}` : `${ipv6()}/${Math.floor(random() * 129)}`,
  );
  const lists = prefixes.map((text) => {
    const [address = "", bits] = text.split("/");
    const list = new BlockList();
    list.addSubnet(address, Number(bits), isIP(address) === 4 ? "ipv4" : "ipv6");
    return { list, bits: Number(bits), family: isIP(address) };
  });
  const table = createPrefixTable(prefixes);
  for (let i = 0; i < 1000; i++) {
    const address = i % 2 ? ipv4() : ipv6();
    const family = isIP(address);
    let best = -1;
    lists.forEach(({ list, bits, family: own }, index) => {
      const better = best < 0 || bits > (lists[best]?.bits ?? 0);
      if (own === family && better && list.check(address, family === 4 ? "ipv4" : "ipv6"))
        best = index;
    });
    expect(table.match(address), address).toBe(best);
  }
});

it("addresses: are told from other texts as Node does", () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), fc.stringMatching(/^[0-9a-f:.]{0,20}$/)), (text) => {
      expect(parseAddress(text), text).toBe(isIP(text));
    }),
    { numRuns: 2000 },
  );
});

it.each([
  ["Domain", "www.evil.example", "www.evil.example"],
  ["RemoteHost", "EVIL.example:8443", "evil.example"],
  ["Url", "https://c2.evil.example/a?b", "c2.evil.example"],
  ["host", "203.0.113.9", "203.0.113.9"],
  ["Domain", "notevil.example", null],
  ["Url", "https://", null],
  ["Comment", "evil.example", null],
])("intel: a JSON message whose detail %s says %s matches as %s", (name, text, cause) => {
  const list = parseFeed("own", "evil.example\n203.0.113.9\n", { format: "list" });
  const processor = createProcessor(createDetection({ intel: lookupOf("own", list.indicators) }));
  const quiet = { remoteAddress: "192.0.2.1" };
  const item = event("NetworkActivity", 0, [flow(quiet), flow(quiet)]);
  // Of the second payload item: the message carries them item by item.
  const details = { extraDetails: { [`Payload[1].${name}`]: text } };
  const { alerts, failure } = processor.take(message("dev1", [{ ...item, ...details }], 0));
  const type = text.toLowerCase().includes("evil")
    ? "IoT_MaliciousNameQueriesDetection"
    : "IoT_TiConnection";
  expect(failure).toBeNull();
  expect(alerts.map((alert) => [alert.type, alert.cause])).toEqual(
    cause === null ? [] : [[type, cause]],
  );
});
