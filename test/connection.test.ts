import { expect, it } from "vitest";
import { merge, startAgent, type TestAgent } from "./support/core.ts";
import { ipv4, segment, TCP } from "./support/datagrams.ts";
import { ACK, FIN, RST, SYN } from "./support/packets.ts";

const LOCAL = "10.0.0.1";
const REMOTE = "10.0.0.2";
const OUT = 0;
const IN = 1;

interface Step {
  readonly direction: number;
  readonly flags: number;
  readonly sequence?: number;
  readonly acknowledged?: number;
  readonly dataBytes?: number;
}

/** One segment between local port 1000 and remote port 80. */
function send(test: TestAgent, { direction, ...rest }: Step): void {
  const [fromPort, toPort] = direction === OUT ? [1000, 80] : [80, 1000];
  const [from, to] = direction === OUT ? [LOCAL, REMOTE] : [REMOTE, LOCAL];
  const payload = segment({ fromPort, toPort, ...rest });
  test.offer(direction, ipv4({ from, to, protocol: TCP, payload }));
  test.poll();
}

/** Connections at the end and at most, and who began, after these segments. */
async function after(...steps: Step[]) {
  const test = await startAgent();
  for (const step of steps) send(test, step);
  const { activeConnections, flows, outboundAddresses, listeningPorts } = merge(test.collect());
  return {
    ...activeConnections,
    initiator: flows[0]?.initiator,
    outbound: outboundAddresses.length,
    listening: listeningPorts.length,
  };
}

const ISN = 0xffff_fff0; // Near the end of the sequence space: sums wrap.
const PEER = 0xffff_ff00;
const wrap = (n: number) => n >>> 0;
const OPENING: Step[] = [
  { direction: OUT, flags: SYN, sequence: ISN },
  { direction: IN, flags: SYN | ACK, sequence: PEER, acknowledged: wrap(ISN + 1) },
  { direction: OUT, flags: ACK, sequence: wrap(ISN + 1), acknowledged: wrap(PEER + 1) },
];
const fin = (direction: number, acknowledgesFin = false): Step => ({
  direction,
  flags: FIN | ACK,
  sequence: wrap((direction === OUT ? ISN : PEER) + 1),
  acknowledged: wrap((direction === OUT ? PEER : ISN) + (acknowledgesFin ? 2 : 1)),
});
const ackFin = (direction: number): Step => ({
  direction,
  flags: ACK,
  sequence: wrap((direction === OUT ? ISN : PEER) + 2),
  acknowledged: wrap((direction === OUT ? PEER : ISN) + 2),
});

it("connection: is established by the acknowledgement of the SYN-ACK", async () => {
  expect(await after(...OPENING.slice(0, 2))).toMatchObject({ max: 0, atEnd: 0 });
  expect(await after(...OPENING)).toEqual({
    max: 1,
    atEnd: 1,
    initiator: "local",
    outbound: 1,
    listening: 0,
  });
});

it("connection: from outside is the remote end's, and shows the listening port", async () => {
  const mirrored = OPENING.map((step) => ({ ...step, direction: 1 - step.direction }));
  expect(await after(...mirrored)).toEqual({
    max: 1,
    atEnd: 1,
    initiator: "remote",
    outbound: 0,
    listening: 1,
  });
});

it("connection: a SYN or SYN-ACK that is sent again opens no second one", async () => {
  const [syn, synAck, ack] = OPENING as [Step, Step, Step];
  expect(await after(syn, syn, synAck, synAck, syn, synAck, ack, ack)).toMatchObject({
    max: 1,
    atEnd: 1,
    initiator: "local",
  });
  expect(await after(...OPENING, syn, synAck)).toMatchObject({ max: 1, atEnd: 1 });
});

it("connection: a SYN-ACK that answers another SYN does not count", async () => {
  const [syn, synAck, ack] = OPENING as [Step, Step, Step];
  const stray = { ...synAck, acknowledged: wrap(ISN - 5) };
  expect(await after(syn, stray, ack)).toMatchObject({ max: 0 });
});

it("connection: an acknowledgement of less than the SYN-ACK does not establish", async () => {
  const [syn, synAck, ack] = OPENING as [Step, Step, Step];
  expect(await after(syn, synAck, { ...ack, acknowledged: PEER })).toMatchObject({ max: 0 });
});

it("connection: a SYN with data is answered with more than one (RFC 7413)", async () => {
  const [syn, synAck, ack] = OPENING as [Step, Step, Step];
  const steps = [
    { ...syn, dataBytes: 100 },
    { ...synAck, acknowledged: wrap(ISN + 101) },
    { ...ack, sequence: wrap(ISN + 101) },
  ];
  expect(await after(...steps)).toMatchObject({ max: 1, atEnd: 1 });
});

it("connection: RST of either end ends it at once", async () => {
  for (const direction of [OUT, IN]) {
    expect(await after(...OPENING, { direction, flags: RST })).toMatchObject({ max: 1, atEnd: 0 });
    const refused = await after(OPENING[0] as Step, { direction, flags: RST | ACK });
    expect(refused).toMatchObject({ max: 0, atEnd: 0, initiator: "local" });
  }
});

it("connection: ends when both FINs are acknowledged, and not before", async () => {
  expect(await after(...OPENING, fin(OUT))).toMatchObject({ atEnd: 1 });
  expect(await after(...OPENING, fin(OUT), ackFin(IN))).toMatchObject({ atEnd: 1 });
  const both = [...OPENING, fin(OUT), fin(IN, true)];
  expect(await after(...both)).toMatchObject({ atEnd: 1 });
  expect(await after(...both, ackFin(OUT))).toMatchObject({ max: 1, atEnd: 0 });
});

it("connection: both ends close at the same time", async () => {
  const crossing = [...OPENING, fin(OUT), fin(IN)];
  expect(await after(...crossing)).toMatchObject({ atEnd: 1 });
  expect(await after(...crossing, ackFin(OUT))).toMatchObject({ atEnd: 1 });
  expect(await after(...crossing, ackFin(OUT), ackFin(IN))).toMatchObject({ max: 1, atEnd: 0 });
});

it("connection: a FIN behind data is acknowledged with its last byte", async () => {
  const data = { ...fin(OUT), dataBytes: 10 };
  const answer = (bytes: number): Step => ({
    ...fin(IN),
    acknowledged: wrap(ISN + 1 + bytes),
  });
  expect(await after(...OPENING, data, answer(10), ackFin(OUT))).toMatchObject({ atEnd: 1 });
  expect(await after(...OPENING, data, answer(11), ackFin(OUT))).toMatchObject({ atEnd: 0 });
});

it("connection: a SYN of a new number on the same ports begins a new one", async () => {
  const later = OPENING.map((step, i) => ({
    ...step,
    ...(i !== 1 && { sequence: wrap((step.sequence ?? 0) + 5000) }),
    ...(i === 1 && { acknowledged: wrap((step.acknowledged ?? 0) + 5000) }),
  }));
  expect(await after(...OPENING, later[0] as Step)).toMatchObject({ max: 1, atEnd: 0 });
  expect(await after(...OPENING, ...later)).toMatchObject({ max: 1, atEnd: 1 });
});

it("connection: one whose opening was not seen does not count", async () => {
  const steps = [ackFin(OUT), { ...ackFin(IN), dataBytes: 50 }, fin(OUT), fin(IN)];
  expect(await after(...steps)).toMatchObject({ max: 0, atEnd: 0, initiator: null, outbound: 0 });
});

it("connection: the least and the most of an interval are told, and begin again", async () => {
  const test = await startAgent();
  for (const step of OPENING) send(test, step);
  const [first] = test.collect().filter(({ name }) => name === "ActiveConnections");
  expect(first?.payload).toEqual([{ current: 1, min: 0, max: 1 }]);
  send(test, { direction: OUT, flags: RST });
  const [second] = test.collect().filter(({ name }) => name === "ActiveConnections");
  expect(second?.payload).toEqual([{ current: 0, min: 0, max: 1 }]);
  expect(test.collect().filter(({ name }) => name === "ActiveConnections")).toEqual([]);
});
