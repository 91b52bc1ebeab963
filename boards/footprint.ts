/** What a board's agent takes of flash and RAM, by part, from built artefacts. */
import { runProgram } from "./bench/program.ts";
import { type BuiltCore, buildCore } from "./build.ts";
import { CORE_OPTIMIZATION } from "./compiler.ts";
import { type CoreSize, measureCore } from "./core-size.ts";
import { measureCosts, type OptionCost } from "./costs.ts";
import type { Machine, MachineName } from "./firmware/machines.ts";
import { type AgentImage, measureImage } from "./footprint-image.ts";
import type { Bytes } from "./footprint-map.ts";
import { hasCompiler, hasEmulator } from "./footprint-tools.ts";
import { OPTIONS, type Option, type OptionName, type Options, resolveOptions } from "./options.ts";
import type { BoardProfile, Cpu } from "./profile-fields.ts";

/** Head of a slot image, and what a slot must hold beside the module. */
export const SLOT_HEAD_BYTES = 64;

/** One line of a footprint. */
export interface Part extends Bytes {
  readonly name: string;
  /** What the part above it consists of. */
  readonly isWithin: boolean;
}

export interface Footprint {
  readonly board: string;
  readonly backend: BoardProfile["backend"];
  readonly options: Options;
  readonly core: CoreSize;
  readonly parts: readonly Part[];
  readonly total: Bytes;
  readonly budget: Bytes;
  /** Bytes of the slot image and of the slot that it goes into. */
  readonly slot: { readonly bytes: number; readonly room: number };
  readonly costs: readonly OptionCost[];
  /** What could not be computed, one line each; with any the totals are a lower bound. */
  readonly missing: readonly string[];
}

/** The QEMU machine with the same processor. */
const MACHINE_OF: Readonly<Record<Machine["cpu"], MachineName>> = {
  "cortex-m3": "mps2-an385",
  "cortex-m4": "mps2-an386",
  "cortex-m7": "mps2-an500",
  "cortex-m33": "mps2-an505",
};

export interface FootprintOptions {
  /** Builds with and without each option; without them only sums are told. */
  readonly withCosts: boolean;
  readonly onProgress?: ((text: string) => void) | undefined;
}

interface Linked {
  readonly image: AgentImage | undefined;
  /** Heap and stack in use; undefined: could not be measured. */
  readonly memory: { readonly heapBytes: number; readonly stackBytes: number } | undefined;
  readonly missing: readonly string[];
}

/**
 * Builds and measures a board's agent; what was built before is taken from `build/`.
 *
 * @throws Error with one line for options that are not valid
 */
export async function measureFootprint(
  profile: BoardProfile,
  given: FootprintOptions,
): Promise<Footprint & { readonly built: BuiltCore }> {
  const options = resolveOptions(profile.options);
  given.onProgress?.("building the core");
  const built = await buildCore(options);
  const core = measureCore(built.wasm);
  given.onProgress?.("linking the agent");
  const linked = measureLinked(profile, built, core);
  const cpu = compiledCpu(profile.cpu);
  const isCompiled = profile.backend === "aot" && linked.image !== undefined && cpu !== undefined;
  const costs = given.withCosts
    ? await measureCosts({
        options,
        code: isCompiled ? { cpu, optimization: CORE_OPTIMIZATION } : undefined,
        onProgress: (done, all) =>
          given.onProgress?.(`building without option ${done + 1} of ${all}`),
      })
    : [];
  const parts = listParts(profile, core, linked, costs);
  const isWasm3 = profile.backend === "wasm3";
  return {
    board: profile.name,
    backend: profile.backend,
    options,
    core,
    parts,
    total: sumOf(parts.filter((part) => !part.isWithin)),
    budget: { flash: profile.agent_flash_bytes, ram: profile.agent_ram_bytes },
    slot: {
      bytes: isWasm3 ? core.wasmBytes + SLOT_HEAD_BYTES : 0,
      room: profile.partitions.core_a.bytes,
    },
    costs,
    missing: linked.missing,
    built,
  };
}

function compiledCpu(cpu: Cpu): Machine["cpu"] | undefined {
  return cpu === "rxv2" ? undefined : cpu;
}

function measureLinked(profile: BoardProfile, built: BuiltCore, core: CoreSize): Linked {
  const cpu = compiledCpu(profile.cpu);
  if (cpu === undefined) {
    const line = `${profile.cpu} is no Arm core: C code, heap and stack are not in the figures`;
    return { image: undefined, memory: undefined, missing: [line] };
  }
  if (!hasCompiler()) {
    const line =
      "no arm-none-eabi-gcc (`npm run setup:firmware`): C code, heap and stack are not in the figures";
    return { image: undefined, memory: undefined, missing: [line] };
  }
  const { backend } = profile;
  const compiled = {
    wasm: built.wasm,
    memoryBytes: core.memoryBytes,
    optimization: CORE_OPTIMIZATION,
  } as const;
  const image = measureImage({ cpu, core: backend === "aot" ? compiled : undefined });
  if (!hasEmulator()) {
    const line =
      "no qemu-system-arm (`npm run setup:firmware`): heap and stack are not in the figures";
    return { image, memory: undefined, missing: [line] };
  }
  const machine = MACHINE_OF[cpu];
  const counts = runProgram({ machine, backend, core: built, size: core, isCounting: false });
  const memory = { heapBytes: counts.heapAll ?? 0, stackBytes: counts.stack ?? 0 };
  return { image, memory, missing: [] };
}

function sumOf(all: readonly Bytes[]): Bytes {
  return {
    flash: all.reduce((sum, { flash }) => sum + flash, 0),
    ram: all.reduce((sum, { ram }) => sum + ram, 0),
  };
}

/** Wasm3 keeps linear memory on its heap; ahead of time it is in the back end's data. */
function listParts(
  { backend }: BoardProfile,
  core: CoreSize,
  { image, memory }: Linked,
  costs: readonly OptionCost[],
): Part[] {
  const isAot = backend === "aot";
  const flash = isAot ? (image?.core.flash ?? 0) : core.wasmBytes;
  const parts: Part[] = [
    {
      name: isAot ? "core, compiled" : "core module",
      flash,
      ram: core.memoryBytes,
      isWithin: false,
    },
    ...costs.map((cost) => ({ ...partOf(cost, isAot), isWithin: true })),
  ];
  if (image !== undefined) {
    const instance = image.backend.ram - (isAot ? core.memoryBytes : 0);
    const heap = memory === undefined || isAot ? 0 : memory.heapBytes - core.memoryBytes;
    parts.push(
      {
        name: isAot ? "runtime (boards/aot)" : "runtime (wasm3)",
        flash: image.runtime.flash,
        ram: image.runtime.ram + heap,
        isWithin: false,
      },
      { name: `back end (${backend})`, flash: image.backend.flash, ram: instance, isWithin: false },
      { name: "C kit", flash: image.kit.flash, ram: image.kit.ram, isWithin: false },
    );
  }
  if (memory !== undefined) {
    parts.push({ name: "thread's stack, used", flash: 0, ram: memory.stackBytes, isWithin: false });
  }
  return parts;
}

function partOf(cost: OptionCost, isAot: boolean): Omit<Part, "isWithin"> {
  const option: Option = OPTIONS[cost.name];
  const what = option.max === 1 ? cost.name : `${cost.name} ${cost.value}`;
  const also = cost.together.length === 0 ? "" : ` with ${cost.together.join(", ")}`;
  return {
    name: what + also,
    flash: isAot ? (cost.codeBytes ?? 0) : cost.wasmBytes,
    ram: cost.memoryBytes,
  };
}

/** Options whose smaller values free RAM, dearest first. */
export function buffersOf(costs: readonly OptionCost[]): OptionCost[] {
  return costs
    .filter(({ name, memoryBytes }) => (OPTIONS[name] as Option).max > 1 && memoryBytes > 0)
    .sort((a, b) => b.memoryBytes - a.memoryBytes || a.name.localeCompare(b.name));
}

/** Options that are there or not, dearest first. */
export function switchesOf(costs: readonly OptionCost[], isAot: boolean): OptionCost[] {
  const bytes = (cost: OptionCost) => (isAot ? (cost.codeBytes ?? 0) : cost.wasmBytes);
  return costs
    .filter((cost) => (OPTIONS[cost.name] as Option).min === 0 && bytes(cost) > 0)
    .sort((a, b) => bytes(b) - bytes(a) || a.name.localeCompare(b.name));
}

export type { OptionName };
