/** One agent: a core on an engine, and what surrounds it on a board. */
import { createHash } from "node:crypto";
import * as abi from "../assembly/abi.ts";
import { OBSERVATIONS, type ObservedName } from "../wire/observations.ts";
import { checkCoreModule } from "./core-module.ts";
import type { CoreExports, CoreImports, Engine } from "./engines/engine.ts";
import { v8 } from "./engines/v8.ts";
import type { FlashPort } from "./flash-port.ts";
import { type Observed, writeObservation, writeSnapshotEnd } from "./observations.ts";
import { createRingWriter, type RingWriter } from "./ring-writer.ts";

export interface AgentOptions {
  /** The core module. */
  readonly wasm: Uint8Array;
  /** What errors call the module. */
  readonly wasmName?: string | undefined;
  readonly engine?: Engine | undefined;
  /** 8 random bytes, the same for the life of the device. */
  readonly agentId: Uint8Array;
  /** Entropy, new at every start, u32; 0: deadlines are not spread. */
  readonly seed: number;
  /** Intervals, s; absent: the documented defaults. The twin overrides them. */
  readonly highIntervalS?: number | undefined;
  readonly lowIntervalS?: number | undefined;
  readonly snapshotIntervalS?: number | undefined;
  /** Monotonic clock at the start, ms. */
  readonly nowMs: number;
  /** Seconds since 1970 UTC; 0: not known. */
  readonly wallS: number;
  /** Where messages wait; absent: in the core's memory. */
  readonly flash?: FlashPort | undefined;
  /**
   * Takes a message; called after `poll` has returned. Answer with `published`.
   *
   * @param bytes a copy, the receiver's own
   */
  readonly publish: (id: number, bytes: Uint8Array) => void;
  /** Takes the module twin's reported properties, JSON, after each twin document. */
  readonly report?: ((json: Uint8Array) => void) | undefined;
  /** Gives the items of a snapshot that is due, in the form of `Payloads`. */
  readonly snapshot?: ((name: ObservedName) => readonly object[]) | undefined;
}

export interface Agent {
  /** Where packets are offered, from any place but within `publish`. */
  readonly ring: RingWriter;
  /** Moves the clocks on: what is observed from now on bears this time. `poll` does it too. */
  advanceClock(nowMs: number, wallS: number): void;
  /** Drains the ring, collects, asks for snapshots and sends what is due. */
  poll(nowMs: number, wallS: number): void;
  /** Ends the interval of a priority now; the next `poll` sends. */
  flush(priority: number): void;
  /** Milliseconds until `poll` has something to do beside packets. */
  nextMs(): number;
  /** A message was delivered and acknowledged, or has failed; false if it is not in flight. */
  published(id: number, isDelivered: boolean): boolean;
  /** A flash operation that was PENDING has ended. */
  flashDone(isDone: boolean): void;
  /** Something happened on the board; false: the core refuses it (counted). */
  observe<N extends ObservedName>(name: N, item: Observed<N>): boolean;
  /** The application received cloud-to-device messages. */
  observeCloudToDevice(count: number): void;
  /** The product's user opts out of monitoring, or in again; needs the build option OPT_OUT. */
  optOut(isOut: boolean): boolean;
  /**
   * A module twin document `{"desired":{…}}`, or a patch of its desired properties.
   *
   * @returns 0: valid; a count of faulty properties; negative: not JSON
   */
  twin(json: Uint8Array, options?: { isPatch?: boolean }): number;
  /** All state: a copy of the core's memory. */
  snapshot(): Uint8Array;
  /** Continues from a snapshot of the same core module. */
  restore(snapshot: Uint8Array): void;
}

/**
 * Starts an agent.
 *
 * @throws Error with one line when the module is no core, or an option is out of range
 */
export function createAgent(options: AgentOptions): Agent {
  checkCoreModule(options.wasm, options.wasmName ?? "the core module");
  const outbox = createOutbox();
  let memory = new Uint8Array(0);
  const part = (pointer: number, bytes: number) => memory.subarray(pointer, pointer + bytes);
  const { flash } = options;
  const imports: CoreImports = {
    publish: (id, pointer, bytes, more) => outbox.message(id, part(pointer, bytes), more),
    report: (pointer, bytes, more) => outbox.report(part(pointer, bytes), more),
    flash_read: (address, pointer, bytes) =>
      flash?.read(address, part(pointer, bytes)) ?? abi.E_FLASH,
    flash_program: (address, pointer, bytes) =>
      flash?.program(address, part(pointer, bytes)) ?? abi.E_FLASH,
    flash_erase: (address) => flash?.erase(address) ?? abi.E_FLASH,
  };
  const core = (options.engine ?? v8)(options.wasm, imports);
  const { exports } = core;
  memory = new Uint8Array(core.memory);
  if (exports.abi_version() !== abi.ABI_VERSION) {
    throw new Error(`the core has ABI ${exports.abi_version()}, the host ${abi.ABI_VERSION}`);
  }
  const input = new DataView(core.memory, exports.input_address(), abi.INPUT_BYTES);
  start(exports, input, options);
  const used = exports.memory_bytes();

  function deliver(): void {
    for (const { id, bytes } of outbox.takeMessages()) options.publish(id, bytes);
    for (const json of outbox.takeReports()) options.report?.(json);
  }

  return {
    ring: createRingWriter(core.memory, exports.ring_address()),
    advanceClock(nowMs, wallS) {
      exports.advance_clock(nowMs >>> 0, wallS >>> 0);
    },
    poll(nowMs, wallS) {
      const due = exports.poll(nowMs >>> 0, wallS >>> 0);
      if (due > 0) giveSnapshots(exports, input, due, options);
      deliver();
    },
    flush(priority) {
      exports.flush(priority);
    },
    nextMs: () => exports.next_ms(),
    published: (id, isDelivered) => exports.published(id, isDelivered ? 0 : 1) === abi.OK,
    flashDone(isDone) {
      exports.flash_done(isDone ? abi.OK : abi.E_FLASH);
    },
    observe: (name, item) => exports.observe(writeObservation(input, name, item)) === abi.OK,
    observeCloudToDevice(count) {
      input.setUint32(abi.OBSERVE_KIND, abi.OBSERVE_CLOUD_TO_DEVICE, true);
      input.setUint32(abi.OBSERVE_CLOUD_TO_DEVICE_COUNT, count, true);
      exports.observe(abi.OBSERVE_CLOUD_TO_DEVICE_BYTES);
    },
    optOut(isOut) {
      input.setUint32(abi.OBSERVE_KIND, abi.OBSERVE_OPT_OUT, true);
      input.setUint32(abi.OBSERVE_OPT_OUT_VALUE, isOut ? 1 : 0, true);
      return exports.observe(abi.OBSERVE_OPT_OUT_BYTES) === abi.OK;
    },
    twin(json, { isPatch = false } = {}) {
      exports.twin_begin(isPatch ? 1 : 0);
      const to = new Uint8Array(input.buffer, input.byteOffset, abi.INPUT_BYTES);
      for (let at = 0; at < json.length; at += abi.INPUT_BYTES) {
        const chunk = json.subarray(at, at + abi.INPUT_BYTES);
        to.set(chunk);
        exports.twin_chunk(chunk.length);
      }
      const verdict = exports.twin_end();
      deliver();
      return verdict;
    },
    snapshot() {
      core.pull?.();
      return memory.slice(0, used);
    },
    restore(snapshot) {
      if (snapshot.length !== used) {
        throw new Error(`a snapshot of ${snapshot.length} bytes for a core of ${used}`);
      }
      memory.set(snapshot);
      core.push?.();
    },
  };
}

/** Puts parts together, and keeps what is whole until the core is not running. */
function createOutbox() {
  let messages: { id: number; bytes: Uint8Array }[] = [];
  let reports: Uint8Array[] = [];
  const parts: Uint8Array[] = [];
  let open = 0;
  const reportParts: Uint8Array[] = [];
  return {
    message(id: number, bytes: Uint8Array, more: number): number {
      if (open !== id) parts.length = 0; // The one before was given up.
      open = id;
      parts.push(bytes.slice());
      if (!more) messages.push({ id, bytes: Buffer.concat(parts) });
      if (!more) parts.length = 0;
      return abi.OK;
    },
    report(bytes: Uint8Array, more: number): number {
      reportParts.push(bytes.slice());
      if (!more) reports.push(Buffer.concat(reportParts.splice(0)));
      return abi.OK;
    },
    takeMessages() {
      const taken = messages;
      messages = [];
      return taken;
    },
    takeReports() {
      const taken = reports;
      reports = [];
      return taken;
    },
  };
}

function start(exports: CoreExports, input: DataView, options: AgentOptions): void {
  if (options.agentId.length !== 8) throw new Error("an agent id has 8 bytes");
  for (const [i, byte] of options.agentId.entries()) input.setUint8(abi.START_AGENT_ID + i, byte);
  const digest = createHash("sha256").update(options.wasm).digest();
  for (let i = 0; i < 4; i++) input.setUint8(abi.START_BUILD_ID + i, digest[i] ?? 0);
  input.setUint32(abi.START_SEED, options.seed, true);
  input.setUint32(abi.START_HIGH_INTERVAL_S, options.highIntervalS ?? 0, true);
  input.setUint32(abi.START_LOW_INTERVAL_S, options.lowIntervalS ?? 0, true);
  input.setUint32(abi.START_SNAPSHOT_INTERVAL_S, options.snapshotIntervalS ?? 0, true);
  input.setUint32(abi.START_FLASH_SECTOR_BYTES, options.flash?.sectorBytes ?? 0, true);
  input.setUint16(abi.START_FLASH_SECTORS, options.flash?.sectors ?? 0, true);
  input.setUint16(abi.START_FLASH_PROGRAM_BYTES, options.flash?.programBytes ?? 0, true);
  const result = exports.start(abi.START_BYTES, options.nowMs >>> 0, options.wallS >>> 0);
  if (result === abi.E_FLASH) throw new Error("the flash partition does not answer");
  if (result !== abi.OK) throw new Error("the core refuses its start record: flash geometry?");
}

function giveSnapshots(
  exports: CoreExports,
  input: DataView,
  due: number,
  { snapshot }: AgentOptions,
): void {
  for (const [name, { kind }] of Object.entries(OBSERVATIONS)) {
    if (((due >>> kind) & 1) === 0 || snapshot === undefined) continue;
    const items = snapshot(name as ObservedName);
    for (const item of items) exports.observe(writeObservation(input, name as ObservedName, item));
    exports.observe(writeSnapshotEnd(input, name as ObservedName));
  }
}
