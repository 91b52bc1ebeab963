/** Hands a module twin document to a core and reads what it reports. */
import { INPUT_BYTES, OK } from "../assembly/abi.ts";
import { TWIN_OBJECT } from "../wire/twin-properties.ts";
import { createAgent } from "./agent.ts";
import type { CoreExports } from "./engines/engine.ts";
import type { FlashPort } from "./flash-port.ts";

/** What a core makes of a twin document. */
export interface TwinVerdict {
  readonly valid: boolean;
  /** Names of faulty properties, sorted; none when the text is no document at all. */
  readonly invalidFields: readonly string[];
  /** Names in the document that the agent does not know and does not obey. */
  readonly unknownFields: readonly string[];
  /** The values in force, by property name. */
  readonly effective: Readonly<Record<string, string | number | boolean>>;
}

export type TwinExports = Pick<
  CoreExports,
  "input_address" | "twin_begin" | "twin_chunk" | "twin_end"
>;

/**
 * Feeds a document to a core that has been started.
 *
 * @param isPatch the document is a patch: the content of `desired` alone
 * @param chunkBytes how many bytes go at once, 1 to INPUT_BYTES; asked again for each chunk
 * @returns OK, a positive count of faulty properties, or a negative E_*
 */
export function feedTwin(
  core: { readonly exports: TwinExports; readonly memory: ArrayBuffer },
  document: Uint8Array,
  { isPatch = false, chunkBytes = () => INPUT_BYTES as number } = {},
): number {
  const { exports } = core;
  const input = new Uint8Array(core.memory, exports.input_address(), INPUT_BYTES);
  const begun = exports.twin_begin(isPatch ? 1 : 0);
  if (begun < OK) return begun;
  for (let at = 0; at < document.length; ) {
    const chunk = document.subarray(at, at + chunkBytes());
    input.set(chunk);
    exports.twin_chunk(chunk.length);
    at += chunk.length;
  }
  return exports.twin_end();
}

/**
 * Reads the reported properties of a core.
 *
 * @throws SyntaxError when they are not JSON, which would be the core's fault
 */
export function readReported(json: Uint8Array): TwinVerdict {
  const reported = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(json));
  const settings: Record<string, { value: string | number | boolean }> = reported[TWIN_OBJECT];
  return {
    valid: reported.latest_state === "success",
    invalidFields: [...reported.latest_invalid_fields].sort(),
    unknownFields: reported.latest_unknown_fields,
    effective: Object.fromEntries(
      Object.entries(settings).map(([name, { value }]) => [name, value]),
    ),
  };
}

/** A partition that is larger than any cache, and empty however often it is written. */
const ENDLESS_FLASH: FlashPort = {
  sectorBytes: 2 ** 26,
  sectors: 32,
  programBytes: 1,
  read(_address, to) {
    to.fill(0xff);
    return OK;
  },
  program: () => OK,
  erase: () => OK,
};

/**
 * What a core makes of a document as the first one after its start.
 *
 * @param wasm built with TWIN and STORE_FLASH
 * @throws Error with one line when the module is no core, or has no remote configuration
 */
export function checkTwin(wasm: Uint8Array, document: Uint8Array): TwinVerdict {
  const reports: Uint8Array[] = [];
  const agent = createAgent({
    wasm,
    agentId: new Uint8Array(8),
    seed: 0,
    nowMs: 0,
    wallS: 0,
    flash: ENDLESS_FLASH,
    publish: () => undefined,
    report: (json) => reports.push(json),
  });
  agent.twin(document);
  const report = reports.at(-1);
  if (report === undefined) {
    throw new Error("this core has no remote configuration: build it with TWIN=1");
  }
  return readReported(report);
}
