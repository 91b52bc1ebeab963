import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { available, unavailableReason } from "wasm3-node";
import { buildCore } from "../boards/build.ts";
import { ENGINES, engineNamed } from "../boards/engines.ts";
import { v8 } from "../host/engines/v8.ts";
import { wasm3 } from "../host/engines/wasm3.ts";
import { parseDeviceAddresses } from "../host/netx/address.ts";
import { readCapture } from "../sim/capture.ts";
import { replay } from "../sim/replay.ts";

const none = () => -1;
const imports = {
  publish: none,
  report: none,
  flash_read: none,
  flash_program: none,
  flash_erase: none,
};
const onWasm3 = available || process.env.CI ? describe : describe.skip;

describe("engines", () => {
  it("engines: each has its name, and another name is refused in one line", () => {
    expect(engineNamed("v8")).toBe(v8);
    expect(engineNamed("wasm3")).toBe(wasm3);
    for (const name of ["", "toString", "V8", "qemu:", "qemu:none"]) {
      expect(() => engineNamed(name)).toThrow(
        `no engine "${name}"; there are v8, wasm3, qemu:mps2-an385[:aot]`,
      );
    }
  });
});

onWasm3(available ? "engine wasm3" : `engine wasm3 (${unavailableReason})`, () => {
  let wasm: Uint8Array;
  beforeAll(async () => {
    ({ wasm } = await buildCore());
  });

  it("wasm3: has exactly the memory that the core uses, rounded up to 8", () => {
    const core = wasm3(wasm, imports);
    const used = core.exports.memory_bytes();
    expect(core.memory.byteLength).toBe(Math.ceil(used / 8) * 8);
    expect(v8(wasm, imports).exports.memory_bytes()).toBe(used);
  });

  it("wasm3: a replayed capture gives the messages of v8, byte by byte", () => {
    const path = "sim/captures/d1_benign.pcap";
    const capture = readCapture(readFileSync(path), path);
    const addresses = parseDeviceAddresses("10.20.0.10/24,fd00:20::10");
    const messages = Object.values(ENGINES).map((engine) => {
      const sent: string[] = [];
      replay({
        capture,
        addresses,
        wasm,
        engine,
        intervalMs: 10_000,
        onMessage: ({ timeMs, bytes }) => {
          sent.push(`${timeMs} ${Buffer.from(bytes).toString("hex")}`);
        },
      });
      return sent;
    });
    expect(messages[0]?.length).toBeGreaterThan(1);
    expect(messages[1]).toEqual(messages[0]);
  });
});
