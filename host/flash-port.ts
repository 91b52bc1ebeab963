/** The flash partition as the core sees it, see `assembly/host.ts`. */
export interface FlashPort {
  readonly sectorBytes: number;
  readonly sectors: number;
  /** Program unit, B: 1, 2, 4, 8, 16 or 32. */
  readonly programBytes: number;
  /** Fills `to` from `address`. Returns OK or E_FLASH (abi.ts). */
  read(address: number, to: Uint8Array): number;
  /** Returns OK, PENDING (`Agent.flashDone` tells later) or E_FLASH. */
  program(address: number, from: Uint8Array): number;
  erase(address: number): number;
}
