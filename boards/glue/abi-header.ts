/** The C side of `assembly/abi.ts`: its constants, and the core's exports by number. */
import * as abi from "../../assembly/abi.ts";
import { CORE_EXPORTS } from "../../host/engines/engine.ts";

function renderConstant([name, value]: [string, unknown]): string {
  const number = Number(value);
  return `#define PICKET_${name} ${number < 0 ? `(${number})` : `${number}u`}`;
}

/** Contents of `picket_abi.h`. OK and E_* are signed, all else is unsigned. */
export function renderAbiHeader(): string {
  const constants = Object.entries(abi).map((entry) =>
    entry[0] === "OK" ? "#define PICKET_OK 0" : renderConstant(entry),
  );
  const exports = CORE_EXPORTS.map((name) => `  X(${name.toUpperCase()}, ${name})`);
  return `/* Made from assembly/abi.ts and host/engines/engine.ts. */
#ifndef PICKET_ABI_H
#define PICKET_ABI_H

${constants.join("\n")}

/* The core's exports: X(NUMBER, name). */
#define PICKET_CORE_EXPORTS(X) \\
${exports.join(" \\\n")}

#endif
`;
}
