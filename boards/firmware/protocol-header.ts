/** The C header of the serial protocol and of a machine's devices. */
import * as protocol from "../../host/qemu/protocol.ts";
import { type Machine, SECTOR_BYTES } from "./machines.ts";

const hex = (value: number) => `0x${value.toString(16)}u`;

/** Every constant of `host/qemu/protocol.ts`, by its own name. */
export function renderProtocolHeader(): string {
  const lines = Object.entries(protocol).map(([name, value]) => `#define ${name} ${value}u`);
  return `/* Made from host/qemu/protocol.ts. */
#ifndef PROTOCOL_H
#define PROTOCOL_H

${lines.join("\n")}

#endif
`;
}

/** @param isInSlot false: the core is part of the firmware */
export function renderBoardHeader(machine: Machine, isInSlot: boolean): string {
  return `/* Made from boards/firmware/machines.ts. */
#ifndef BOARD_H
#define BOARD_H

#define BOARD_NAME "${machine.name}"
#define BOARD_CLOCK_HZ ${machine.clockHz}u
#define BOARD_UART ${hex(machine.uart)}
#define BOARD_UART_INTERRUPT ${machine.uartInterrupt}u
#define BOARD_TIMER ${hex(machine.timer)}
#define BOARD_STORE_BYTES ${machine.store.bytes}u
#define BOARD_SECTOR_BYTES ${SECTOR_BYTES}u
#define CORE_IS_IN_SLOT ${isInSlot ? 1 : 0}

#endif
`;
}
