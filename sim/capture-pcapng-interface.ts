/** Interface Description Block of pcapng: link type, capture limit and the meaning of times. */
import { CaptureError, REMEDY_DAMAGED } from "./capture-error.ts";
import type { CapturePacket } from "./capture-packet.ts";

const OPTION_END = 0;
const OPTION_TSRESOL = 9;
const OPTION_TSOFFSET = 14;

const INTERFACE_BYTES_MIN = 20;
const NANOS_PER_SECOND = 1_000_000_000;
const WORD = 2 ** 32;

export interface PcapngInterface {
  /** Offset of its block in the file. */
  readonly at: number;
  /** LINKTYPE_ value. */
  readonly linkType: number;
  /** Most bytes captured of a frame; 0: no limit. */
  readonly snapBytes: number;
  /** Sets `seconds` and `nanos` (rounded down) of a packet from the two words of its time. */
  readonly readTime: (high: number, low: number, packet: CapturePacket) => void;
}

/**
 * Reads the block at `at`, which ends before `end`.
 *
 * @throws CaptureError if it or an option in it is too short or too long
 */
export function readInterface(
  view: DataView,
  name: string,
  little: boolean,
  at: number,
  end: number,
): PcapngInterface {
  if (end - at < INTERFACE_BYTES_MIN) {
    throw new CaptureError(name, at, "an interface block is too short", REMEDY_DAMAGED);
  }
  let resolution = 6;
  let offsetSeconds = 0n;
  const optionsEnd = end - 4;
  for (let option = at + 16; option < optionsEnd; ) {
    if (option + 4 > optionsEnd) throw badOption(name, option);
    const code = view.getUint16(option, little);
    const length = view.getUint16(option + 2, little);
    if (code === OPTION_END) break;
    if (option + 4 + length > optionsEnd) throw badOption(name, option);
    if (code === OPTION_TSRESOL) {
      if (length !== 1) throw badOption(name, option);
      resolution = view.getUint8(option + 4);
    } else if (code === OPTION_TSOFFSET) {
      if (length !== 8) throw badOption(name, option);
      offsetSeconds = view.getBigInt64(option + 4, little);
    }
    option += 4 + Math.ceil(length / 4) * 4;
  }
  return {
    at,
    linkType: view.getUint16(at + 8, little),
    snapBytes: view.getUint32(at + 12, little),
    readTime: timeReader(resolution, Number(offsetSeconds)),
  };
}

function badOption(name: string, at: number): CaptureError {
  return new CaptureError(name, at, "an interface option has a wrong length", REMEDY_DAMAGED);
}

/**
 * @param resolution if_tsresol: negative power of 10, or of 2 if bit 7 is set, in seconds
 * @param offsetSeconds if_tsoffset
 */
function timeReader(resolution: number, offsetSeconds: number): PcapngInterface["readTime"] {
  const exponent = resolution & 0x7f;
  if (resolution <= 9) return decimalTimeReader(10 ** exponent, offsetSeconds);
  const units = (resolution & 0x80) === 0 ? 10n ** BigInt(exponent) : 1n << BigInt(exponent);
  return (high, low, packet) => {
    const time = (BigInt(high) << 32n) | BigInt(low);
    packet.seconds = Number(time / units) + offsetSeconds;
    packet.nanos = Number(((time % units) * BigInt(NANOS_PER_SECOND)) / units);
  };
}

/** The usual resolutions, without big integers but when the high word changes (every 71 min). */
function decimalTimeReader(
  unitsPerSecond: number,
  offsetSeconds: number,
): PcapngInterface["readTime"] {
  const nanosPerUnit = NANOS_PER_SECOND / unitsPerSecond;
  let knownHigh = 0;
  let highSeconds = 0;
  let highUnits = 0;
  return (high, low, packet) => {
    if (high !== knownHigh) {
      knownHigh = high;
      const time = BigInt(high) * BigInt(WORD);
      highSeconds = Number(time / BigInt(unitsPerSecond));
      highUnits = Number(time % BigInt(unitsPerSecond));
    }
    const units = highUnits + low;
    const seconds = Math.floor(units / unitsPerSecond);
    packet.seconds = highSeconds + seconds + offsetSeconds;
    packet.nanos = (units - seconds * unitsPerSecond) * nanosPerUnit;
  };
}
