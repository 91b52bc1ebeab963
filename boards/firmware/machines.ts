/** The QEMU machines that the firmware runs on, and how their memory is divided. */

export interface Region {
  readonly origin: number;
  readonly bytes: number;
}

export interface Machine {
  /** What QEMU calls it. */
  readonly name: string;
  readonly cpu: "cortex-m3" | "cortex-m4" | "cortex-m7" | "cortex-m33";
  readonly clockHz: number;
  /** Base addresses of CMSDK UART 0 and CMSDK timer 0 (Arm application notes AN385 to AN505). */
  readonly uart: number;
  readonly timer: number;
  /** Interrupt number of UART 0's receiver. */
  readonly uartInterrupt: number;
  /** The program, then two slots for core images, then the agent's store; flash on a real board. */
  readonly firmware: Region;
  readonly slots: readonly [Region, Region];
  readonly store: Region;
  readonly ram: Region;
}

const KIB = 1024;
/** Sectors of the store partition, B. */
export const SECTOR_BYTES = 4 * KIB;

/** The machines have 4 MiB each: cores with the caches of larger boards must run here too. */
function divide(flash: number, ram: number): Pick<Machine, "firmware" | "slots" | "store" | "ram"> {
  return {
    firmware: { origin: flash, bytes: 256 * KIB },
    slots: [
      { origin: flash + 256 * KIB, bytes: 64 * KIB },
      { origin: flash + 320 * KIB, bytes: 64 * KIB },
    ],
    store: { origin: flash + 384 * KIB, bytes: 64 * KIB },
    ram: { origin: ram, bytes: 512 * KIB },
  };
}

const mps2 = {
  clockHz: 25_000_000,
  uart: 0x4000_4000,
  timer: 0x4000_0000,
  uartInterrupt: 0,
  ...divide(0x0000_0000, 0x2000_0000),
} as const;

export const MACHINES = {
  "mps2-an385": { name: "mps2-an385", cpu: "cortex-m3", ...mps2 },
  "mps2-an386": { name: "mps2-an386", cpu: "cortex-m4", ...mps2 },
  "mps2-an500": { name: "mps2-an500", cpu: "cortex-m7", ...mps2 },
  /** Starts in the secure state: secure aliases of memory and devices. */
  "mps2-an505": {
    name: "mps2-an505",
    cpu: "cortex-m33",
    clockHz: 20_000_000,
    uart: 0x5020_0000,
    timer: 0x5000_0000,
    uartInterrupt: 32,
    ...divide(0x1000_0000, 0x3800_0000),
  },
} as const satisfies Record<string, Machine>;

export type MachineName = keyof typeof MACHINES;
