/** Measures what the budgets (budget.ts) speak of. */
import { runProgram } from "./bench/program.ts";
import type { Figures } from "./budget.ts";
import { type BuiltCore, buildCore } from "./build.ts";
import { CORE_OPTIMIZATION, sizeOf } from "./compiler.ts";
import { measureCore } from "./core-size.ts";
import { BASE_OPTIONS, FULL_OPTIONS } from "./feature-sets.ts";
import { buildFirmware } from "./firmware/build.ts";
import { SLOT_HEAD_BYTES } from "./footprint.ts";
import { measureImage, totalOf } from "./footprint-image.ts";
import type { OptionName } from "./options.ts";

/** Cortex-M4, as the replaced agent was measured on. */
const MACHINE = "mps2-an386";
const CPU = "cortex-m4";
/** The stimulus offers so many packets between two polls. */
const PACKETS_PER_POLL = 32;
const FLOWS_FURTHER = 63;

/** What the replaced agent does, with its caches. */
export const EQUAL_FEATURES: Readonly<Partial<Record<OptionName, number>>> = {
  ...BASE_OPTIONS,
  FLOW_SLOTS_IPV4: 64,
  FLOW_SLOTS_IPV6: 64,
  EVENT_BYTES_MAX: 384,
};
/** Few observations come in: system information, when it is asked for. */
export const EQUAL_DEFINES = ["PICKET_OBSERVATION_BYTES=256u"];

function count(core: BuiltCore, backend: "aot" | "wasm3") {
  const size = measureCore(core.wasm);
  const counts = runProgram({ machine: MACHINE, backend, core, size, isCounting: true });
  const value = (name: string): number => {
    const found = counts[name];
    if (found === undefined) throw new Error(`the bench program did not print ${name}`);
    return found;
  };
  const hundredths = (name: string) => value(name) / 100;
  const loop = hundredths("loop");
  const packets = ["packetOut", "packetIn", "packet40", "packet52"].map(hundredths);
  return {
    value,
    packetPath: Math.round(Math.max(...packets) - loop),
    perPacket: Math.round(Math.max(hundredths("allOut"), hundredths("allIn")) - loop),
  };
}

/** The firmware with wasm3, the core in its slot, heap and stack as far as they were used. */
export async function measureWasm3Image(): Promise<Figures["imageWasm3"]> {
  const core = await buildCore(EQUAL_FEATURES);
  const counting = await buildCore({ ...EQUAL_FEATURES, RING_SLOTS: PACKETS_PER_POLL });
  const { value } = count(counting, "wasm3");
  const linked = sizeOf(buildFirmware(MACHINE, { kind: "wasm3" }).elfPath);
  const size = measureCore(core.wasm);
  // The ring of the counted core is larger than that of the image.
  const ring = measureCore(counting.wasm).memoryBytes - size.memoryBytes;
  return {
    flash: linked.flash + SLOT_HEAD_BYTES + size.wasmBytes,
    ram: linked.ram + value("heap") - ring + value("stack"),
  };
}

/** @throws Error with one line when compiler or QEMU are missing */
export async function measureFigures(onProgress: (text: string) => void): Promise<Figures> {
  onProgress("building cores");
  const base = await buildCore(EQUAL_FEATURES);
  const full = await buildCore(FULL_OPTIONS);
  const counting = await buildCore({ ...EQUAL_FEATURES, RING_SLOTS: PACKETS_PER_POLL });
  onProgress("counting instructions, ahead of time");
  const aot = count(counting, "aot");
  onProgress("counting instructions, wasm3");
  const wasm3 = count(counting, "wasm3");
  onProgress("linking images");
  const size = measureCore(base.wasm);
  const agent = totalOf(
    measureImage({
      cpu: CPU,
      defines: EQUAL_DEFINES,
      core: {
        wasm: base.wasm,
        memoryBytes: size.memoryBytes,
        optimization: CORE_OPTIMIZATION,
      },
    }),
  );
  const perFlow = (aot.value("bytes64") - aot.value("bytes1")) / FLOWS_FURTHER;
  return {
    instructions: {
      packetPath: Math.max(aot.packetPath, wasm3.packetPath),
      perPacketAot: aot.perPacket,
      perPacketWasm3: wasm3.perPacket,
      collect64Aot: aot.value("collect64"),
      collect64Wasm3: wasm3.value("collect64"),
    },
    agentAot: agent,
    imageWasm3: await measureWasm3Image(),
    wasmBytes: { base: base.wasm.length, full: full.wasm.length },
    messageBytes: {
      heartbeat: aot.value("bytesHeartbeat"),
      perFlow: Math.ceil(perFlow * 10) / 10,
    },
  };
}
