/** The C side of the ABI: its constants, the core's exports by number, records, slot images. */
import * as abi from "../../assembly/abi.ts";
import { CORE_EXPORTS } from "../../host/engines/engine.ts";
import * as slot from "../slot-layout.ts";
import { renderRecords } from "./records-header.ts";

/** Results are signed, all else is unsigned. */
function renderConstant([name, value]: [string, unknown]): string {
  const number = Number(value);
  const isResult = name === "OK" || name === "PENDING" || name.startsWith("E_");
  if (isResult) return `#define PICKET_${name} ${number < 0 ? `(${number})` : number}`;
  return `#define PICKET_${name} ${number}u`;
}

/** Contents of `picket_abi.h`. */
export function renderAbiHeader(): string {
  const constants = [...Object.entries(abi), ...Object.entries(slot)].map(renderConstant);
  const exports = CORE_EXPORTS.map((name) => `  X(${name.toUpperCase()}, ${name})`);
  return `/* Made from assembly/abi.ts, boards/slot-layout.ts, host/engines/engine.ts, wire/observations.ts. */
#ifndef PICKET_ABI_H
#define PICKET_ABI_H

#include <stddef.h>
#include <stdint.h>

${constants.join("\n")}

/* The core's exports: X(NUMBER, name). */
#define PICKET_CORE_EXPORTS(X) \\
${exports.join(" \\\n")}

${renderRecords()}
#endif
`;
}
