/** A capture that cannot be read: one line with the file, the byte, what is wrong, what to do. */
export class CaptureError extends Error {
  override readonly name = "CaptureError";
  /** Offset in the file of what is wrong, bytes. */
  readonly offset: number;

  constructor(file: string, offset: number, what: string, remedy: string) {
    super(`${file}, byte ${offset}: ${what}; ${remedy}`);
    this.offset = offset;
  }
}

export const REMEDY_DAMAGED = "the file is damaged: capture again or give an intact copy";
export const REMEDY_CUT =
  "the file is incomplete: copy it again, or end the capturing program before copying";
export const REMEDY_CONVERT = "convert it, for example with: editcap -F pcap IN OUT";
