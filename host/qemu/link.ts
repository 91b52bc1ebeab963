/** Requests to the firmware and its answers. */
import { createFrameReader, encodeFrame, type Frame } from "./frame.ts";
import type { SerialLine } from "./machine.ts";
import {
  COMMAND_INFO,
  EVENT_BOOT,
  EVENT_FAULT,
  KIND_EVENT,
  KIND_REPLY,
  KIND_REQUEST,
  KIND_RESPONSE,
  PROTOCOL_VERSION,
  SLOT_NONE,
  STATUS_OK,
} from "./protocol.ts";

export interface Info {
  readonly clockHz: number;
  /** Slot whose core runs, or undefined when none holds one that does. */
  readonly slot: number | undefined;
  /** Build id of that core, 8 hexadecimal digits; zeros without one. */
  readonly buildId: string;
  /** What was found in the slots: IMAGE_* of boards/slot-layout.ts. */
  readonly slotsFound: readonly [number, number];
  /** What the firmware calls its board. */
  readonly board: string;
}

/** Takes an event; an event that asks is answered by what it returns. */
export type OnEvent = (event: number, data: Uint8Array) => Uint8Array | undefined;

export interface Link {
  readonly info: Info;
  /**
   * Has a command done; events that it brings go to `onEvent`, in order.
   *
   * @returns the answer's data
   * @throws Error when the firmware refuses, faults or does not answer
   */
  request(command: number, data?: Uint8Array, onEvent?: OnEvent): Uint8Array;
  close(): void;
}

const BOOT_TIMEOUT_MS = 10_000;
const ANSWER_TIMEOUT_MS = 20_000;

/**
 * Waits for the firmware to start.
 *
 * @throws Error when it does not, or speaks another version
 */
export function openLink(line: SerialLine): Link {
  const reader = createFrameReader();
  const frames: Frame[] = [];
  let sequence = 0;

  function next(timeoutMs: number): Frame {
    while (frames.length === 0) {
      for (const byte of line.read(timeoutMs)) {
        const frame = reader.push(byte);
        if (frame !== undefined) frames.push(frame);
      }
    }
    return frames.shift() as Frame;
  }

  function take(frame: Frame, onEvent: OnEvent | undefined): void {
    const data = onEvent?.(frame.code, frame.data);
    if (data !== undefined) line.write(encodeFrame({ kind: KIND_REPLY, sequence, code: 0, data }));
  }

  function request(
    command: number,
    data: Uint8Array = new Uint8Array(),
    onEvent?: OnEvent,
  ): Uint8Array {
    sequence = (sequence % 255) + 1;
    line.write(encodeFrame({ kind: KIND_REQUEST, sequence, code: command, data }));
    for (;;) {
      const frame = next(ANSWER_TIMEOUT_MS);
      if (frame.kind === KIND_EVENT && frame.code === EVENT_FAULT) throw faultError(frame.data);
      if (frame.sequence !== sequence) continue;
      if (frame.kind === KIND_EVENT) take(frame, onEvent);
      if (frame.kind !== KIND_RESPONSE) continue;
      if (frame.code === STATUS_OK) return frame.data;
      throw new Error(`firmware: command ${command} refused with status ${frame.code}`);
    }
  }

  try {
    const boot = next(BOOT_TIMEOUT_MS);
    if (boot.kind !== KIND_EVENT || boot.code !== EVENT_BOOT) {
      throw new Error(`firmware: kind ${boot.kind}, code ${boot.code} instead of its start`);
    }
    return { info: readInfo(request(COMMAND_INFO)), request, close: line.close };
  } catch (error) {
    line.close();
    throw error;
  }
}

function readInfo(data: Uint8Array): Info {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const version = view.getUint32(0, true);
  if (version !== PROTOCOL_VERSION) {
    throw new Error(`firmware: protocol ${version}, this host speaks ${PROTOCOL_VERSION}`);
  }
  const bytes = Buffer.from(data);
  const slot = bytes.readUInt32LE(8);
  return {
    clockHz: bytes.readUInt32LE(4),
    slot: slot === SLOT_NONE ? undefined : slot,
    buildId: bytes.toString("hex", 12, 16),
    slotsFound: [bytes.readUInt32LE(16), bytes.readUInt32LE(20)],
    board: bytes.toString("utf8", 24),
  };
}

function faultError(data: Uint8Array): Error {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const [pc, status] = [view.getUint32(0, true), view.getUint32(4, true)];
  return new Error(`firmware: fault at 0x${pc.toString(16)}, CFSR 0x${status.toString(16)}`);
}
