/** The models of ThreadX and NetX around the agent. */
import { describe, expect, it } from "vitest";
import { parseDeviceAddresses } from "../host/netx/address.ts";
import { createNetx } from "../host/netx/netx.ts";
import { createPacketPool } from "../host/netx/packet-pool.ts";
import { createSockets } from "../host/netx/sockets.ts";
import type { ObserverPort } from "../host/observer-port.ts";
import { createThreadx } from "../host/threadx/threadx.ts";
import { readCapture } from "../sim/capture.ts";
import { CAPTURE_NAMES, loadCapture } from "./support/captures.ts";

function watch(): { observer: ObserverPort; seen: [string, object][] } {
  const seen: [string, object][] = [];
  return { seen, observer: { observe: (name, item) => void seen.push([name, item]) } };
}

const THREAD = { name: "telemetry", entry: "telemetry_entry", priority: 4, stackBytes: 1000 };

describe("threadx", () => {
  it("threadx: creation and end of a thread are observed, with who made it", () => {
    const { observer, seen } = watch();
    const kernel = createThreadx(observer, () => 12_340);
    const first = kernel.create(THREAD);
    const second = kernel.create({ ...THREAD, name: "child" }, first);
    expect(kernel.complete(first)).toBe(true);
    expect(kernel.terminate(second)).toBe(true);
    expect(kernel.terminate(second)).toBe(false);
    expect(seen).toEqual([
      [
        "ProcessCreate",
        {
          processId: 1,
          parentProcessId: 0,
          executable: "telemetry",
          commandLine: "telemetry_entry",
        },
      ],
      [
        "ProcessCreate",
        { processId: 2, parentProcessId: 1, executable: "child", commandLine: "telemetry_entry" },
      ],
      ["ProcessTerminate", { processId: 1, executable: "telemetry", exitStatus: 0 }],
      ["ProcessTerminate", { processId: 2, executable: "child", exitStatus: 1 }],
    ]);
    expect(kernel.time()).toBe(1234);
  });

  it("threadx: a stack above nine tenths is told once", () => {
    const { observer, seen } = watch();
    const kernel = createThreadx(observer, () => 0);
    const id = kernel.create(THREAD);
    for (const bytes of [900, 901, 950, 10]) kernel.useStack(id, bytes);
    expect(seen.filter(([name]) => name === "Diagnostic")).toHaveLength(1);
    expect(kernel.threads()[0]?.stackUsedBytes).toBe(950);
  });

  it("threadx: priorities and stacks that ThreadX refuses are errors at n + 1", () => {
    const kernel = createThreadx(watch().observer, () => 0);
    expect(() => kernel.create({ ...THREAD, priority: 31, stackBytes: 200 })).not.toThrow();
    expect(() => kernel.create({ ...THREAD, priority: 32 })).toThrow("priority 32 is not 0 to 31");
    expect(() => kernel.create({ ...THREAD, stackBytes: 199 })).toThrow("a stack of 199 bytes");
  });
});

describe("sockets", () => {
  it.each(CAPTURE_NAMES)("sockets: the ports that answered in %s are found", (name) => {
    const { bytes, truth } = loadCapture(name);
    const sockets = createSockets();
    const netx = createNetx({
      addresses: parseDeviceAddresses(truth.device),
      ring: sockets,
    });
    for (const packet of readCapture(bytes, name).packets()) {
      netx.frame(packet.linkType, packet.bytes, packet.offset, packet.length, packet.originalBytes);
    }
    const ports = new Set(sockets.listening().map(({ localPort }) => localPort));
    expect(ports).toEqual(new Set(truth.listeningPorts.map(({ port }: { port: number }) => port)));
  });

  it("sockets: calls of the API open, refuse and close ports and connections", () => {
    const sockets = createSockets();
    expect(sockets.listen(80)).toBe(true);
    expect(sockets.listen(80)).toBe(false);
    expect(sockets.bind(80, "10.0.0.1")).toBe(true);
    expect(sockets.listening()).toEqual([
      { protocol: 6, localPort: 80, localAddress: "0.0.0.0" },
      { protocol: 17, localPort: 80, localAddress: "10.0.0.1" },
    ]);
    expect(sockets.connect("hub")).toBe(true);
    expect(sockets.info()).toMatchObject({ tcp_connections: 1, tcp_established: 1 });
    expect(sockets.disconnect("hub")).toBe(true);
    expect(sockets.disconnect("hub")).toBe(false);
    expect(sockets.unlisten(80)).toBe(true);
    expect(sockets.unbind(80)).toBe(true);
    expect(sockets.listening()).toEqual([]);
    expect(sockets.info()).toMatchObject({ tcp_disconnections: 1, tcp_established: 0 });
  });
});

describe("packet pool", () => {
  it("packet pool: gives n packets, refuses n + 1, and counts both kinds of misuse", () => {
    const pool = createPacketPool(2);
    expect([pool.allocate(), pool.allocate(), pool.allocate()]).toEqual([true, true, false]);
    expect([pool.release(), pool.release(), pool.release()]).toEqual([true, true, false]);
    expect(pool.info()).toEqual({
      total_packets: 2,
      free_packets: 2,
      empty_pool_requests: 1,
      invalid_packet_releases: 1,
    });
    expect(() => createPacketPool(0)).toThrow("a packet pool of 0 packets");
  });
});
