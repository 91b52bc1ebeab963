/** Each row of docs/side-by-side.md: the stimulus of the replaced agent's measurements, repeated. */
import { expect, it } from "vitest";
import { createRig, datagram } from "./support/side-by-side.ts";

const rows: string[] = [];

function row(stimulus: string, before: string, now: string): void {
  rows.push(`| ${stimulus} | ${before} | ${now} |`);
}

it("side by side: the table is full and a known flow goes on", async () => {
  const rig = await createRig({ FLOW_SLOTS_IPV4: 64 });
  for (let peer = 1; peer <= 64; peer++) rig.offer(0, datagram(peer, 100));
  for (let peer = 65; peer <= 100; peer++) rig.offer(0, datagram(peer, 100));
  for (let i = 0; i < 50; i++) rig.offer(0, datagram(1, 200));
  rig.run(61);
  const { flows, losses } = rig.merged();
  const known = flows.find((flow) => flow.remoteAddress === "10.0.0.1");
  expect(known).toMatchObject({ packetsOut: 51, bytesOut: 100 + 50 * 200 });
  expect(flows).toHaveLength(64);
  expect(losses.flowTableFullIpv4).toBe(36);
  row(
    "64 flows fill the table, 36 more come, the first goes on with 50 packets",
    "all 86 packets ignored, not counted",
    "the known flow is exact (51 packets); the 36 packets of flows without a place are counted",
  );
});

it("side by side: offline 60 s with six flows", async () => {
  const rig = await createRig();
  rig.run(10);
  rig.isOnline = false;
  for (let peer = 1; peer <= 6; peer++) {
    rig.offer(0, datagram(peer, 80));
    rig.run(10);
  }
  rig.isOnline = true;
  rig.run(120);
  expect(rig.merged().flows).toHaveLength(6);
  expect(rig.merged().flows.every((flow) => flow.bytesOut === 80)).toBe(true);
  row("offline 60 s, six flows in six intervals", "1 of 6 delivered", "6 of 6 delivered");
});

it("side by side: offline an hour with traffic, then online", async () => {
  const rig = await createRig({ STORE_BYTES: 65_536 });
  rig.isOnline = false;
  for (let interval = 0; interval < 360; interval++) {
    rig.offer(0, datagram(interval + 1, 80));
    rig.run(10);
  }
  rig.isOnline = true;
  rig.run(300);
  const afterOutage = rig.merged().flows.length;
  for (let peer = 0; peer < 5; peer++) rig.offer(0, datagram(1000 + peer, 80));
  rig.run(20);
  const { flows, losses } = rig.merged();
  expect(afterOutage).toBe(360);
  expect(flows).toHaveLength(365);
  expect(losses.storeFull ?? 0).toBe(0);
  row(
    "offline an hour with traffic, then online (64 KiB store)",
    "only the last 10 s delivered; blind until reboot if 64 packets went out meanwhile",
    "360 of 360 intervals delivered, 5 of 5 new flows seen",
  );
});

it("side by side: sends fail for 25 s", async () => {
  const rig = await createRig();
  rig.isOnline = false;
  for (let peer = 1; peer <= 3; peer++) {
    rig.offer(0, datagram(peer, 80));
    rig.run(peer < 3 ? 10 : 5);
  }
  rig.isOnline = true;
  rig.run(60);
  expect(rig.merged().flows).toHaveLength(3);
  row("sends fail for 25 s, three intervals with a flow each", "1 of 3 lost", "3 of 3 delivered");
});

it("side by side: the clock is set back an hour", async () => {
  const rig = await createRig();
  rig.run(60);
  const before = rig.messages.length;
  rig.wallOffsetS = -3600;
  rig.offer(0, datagram(1, 80));
  rig.run(10);
  const next = rig.messages[before];
  expect(next?.atS).toBe(70);
  row(
    "the clock is set back an hour",
    "no message for 3,610 s",
    "next message on time, after 10 s",
  );
});

it("side by side: idle ten minutes", async () => {
  const rig = await createRig();
  rig.run(600);
  expect(rig.attempts()).toBe(10);
  const bytes = rig.messages.reduce((sum, message) => sum + message.bytes, 0);
  expect(bytes).toBeLessThan(500);
  row(
    "idle ten minutes",
    "10 messages of 204 bytes; 50 lines logged as errors",
    `10 messages, ${bytes} bytes in all; no error`,
  );
});

it("side by side: an inbound ICMPv6 packet", async () => {
  const rig = await createRig();
  const packet = new Uint8Array(48);
  packet.set([0x60, 0, 0, 0, 0, 8, 58, 64]);
  packet.set([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2], 8);
  packet.set([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], 24);
  rig.offer(1, packet);
  rig.run(10);
  expect(rig.merged().flows).toMatchObject([{ protocol: "icmpv6", packetsIn: 1, bytesIn: 8 }]);
  row("an inbound ICMPv6 packet", "never counted", "counted");
});

it("side by side: a fragment whose bytes look like ports", async () => {
  const rig = await createRig();
  const packet = datagram(9, 80);
  packet.set([0x00, 0x10], 6);
  rig.offer(1, packet);
  rig.run(10);
  const { flows, fragments } = rig.merged();
  expect(flows).toEqual([]);
  expect(fragments).toMatchObject([{ protocol: "udp", packetsIn: 1, bytesIn: 80 }]);
  row("a fragment that is not the first", "not measured", "counted as a fragment of the two hosts");
});

it("side by side: docs/side-by-side.md says what was measured", async () => {
  row(
    "the application has a packet filter of its own",
    "overwritten without a word",
    "asked first, its verdict obeyed, put back on stop (tested in `test/port.test.ts`)",
  );
  const text = [
    "# Side by side with the agent that Picket replaces",
    "",
    "The same stimulus for both; intervals of 10 s and 60 s, as the replaced agent has them. Its",
    "column was measured on its last version (3.5.4); ours is written by `test/side-by-side.test.ts`",
    "from what it measures, and CI fails when they differ.",
    "",
    "| stimulus | replaced agent | Picket |",
    "|---|---|---|",
    ...rows,
    "",
  ].join("\n");
  await expect(text).toMatchFileSnapshot("../docs/side-by-side.md");
});
