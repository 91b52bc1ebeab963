/** The reported properties: every effective value, the verdict, faulty and unknown names. */
import { settingOf } from "./config";
import { report } from "./host";
import { TEXT_BYTES_MAX, text } from "./json";
import { partAt, twin, unknown } from "./twin";
import {
  KIND_BOOLEAN,
  KIND_CACHE,
  KIND_DURATION,
  KIND_MESSAGE,
  KINDS,
  NAMES,
  PROPERTIES,
  SETTINGS,
  TEXT_CLOSE,
  TEXT_FAILED,
  TEXT_INVALID,
  TEXT_NEXT,
  TEXT_NO,
  TEXT_OBJECT,
  TEXT_OPEN,
  TEXT_STATE,
  TEXT_SUCCESS,
  TEXT_UNKNOWN,
  TEXT_WRAP,
  TEXT_YES,
  TWIN_OBJECT,
} from "./twin-table";
import { isFaulty } from "./twin-verdict";

const QUOTE: u32 = 0x22;
const COMMA: u32 = 0x2c;

/** Writes the reported properties to the host, unless it has them; if refused, again later. */
export function reportTwin(): void {
  if (twin.is_reported) return;
  twin.report_bytes = 0;
  twin.is_refused = 0;
  writePart(TEXT_OPEN);
  writeName(TWIN_OBJECT);
  for (let i: u32 = 0; i < SETTINGS; i++) {
    writePart(i ? TEXT_NEXT : TEXT_OBJECT);
    writeName(i);
    writePart(TEXT_WRAP);
    writeSetting(i);
  }
  writePart(TEXT_STATE);
  writePart(twin.result === 0 ? TEXT_SUCCESS : TEXT_FAILED);
  writePart(TEXT_INVALID);
  let count: u32 = 0;
  for (let i: u32 = 0; i < PROPERTIES; i++) {
    if (twin.result <= 0 || !isFaulty(i)) continue;
    if (count++) write(COMMA);
    write(QUOTE);
    writeName(i);
    write(QUOTE);
  }
  writePart(TEXT_UNKNOWN);
  if (twin.unknown_bytes) writeBytes(unknown + 1, twin.unknown_bytes - 1);
  writePart(TEXT_CLOSE);
  flush(0);
  twin.is_reported = <u32>(twin.is_refused === 0);
}

function writeSetting(setting: u32): void {
  const value = settingOf(setting);
  const kind = <u32>load<u8>(setting, KINDS);
  if (kind === KIND_BOOLEAN) writePart(value ? TEXT_YES : TEXT_NO);
  else if (kind === KIND_CACHE || kind === KIND_MESSAGE) writeNumber(value);
  else {
    write(QUOTE);
    if (kind === KIND_DURATION) writeDuration(value);
    else writePart(value); // The words of priorities come first.
    write(QUOTE);
  }
}

function writeDuration(seconds: u32): void {
  write(0x50);
  write(0x54);
  writeCount(seconds / 3600, 0x48);
  writeCount((seconds / 60) % 60, 0x4d);
  writeCount(seconds % 60, 0x53);
}

function writeCount(count: u32, unit: u32): void {
  if (count === 0) return;
  writeNumber(count);
  write(unit);
}

function writeNumber(value: u32): void {
  let scale: u32 = 1;
  while (value / scale > 9) scale *= 10;
  for (; scale; scale /= 10) write(0x30 + ((value / scale) % 10));
}

function writeName(property: u32): void {
  writePart(load<u8>(property << 1, NAMES));
  writePart(load<u8>((property << 1) + 1, NAMES));
}

function writePart(part: u32): void {
  writeBytes(partAt(part), <u32>(partAt(part + 1) - partAt(part)));
}

function writeBytes(from: usize, bytes: u32): void {
  for (let i: u32 = 0; i < bytes; i++) write(load<u8>(from + i));
}

function write(byte: u32): void {
  if (twin.report_bytes > TEXT_BYTES_MAX) flush(1);
  store<u8>(twin.report_bytes, byte, text);
  twin.report_bytes += 1;
}

function flush(more: u32): void {
  if (!twin.is_refused) twin.is_refused = <u32>(report(text, twin.report_bytes, more) < 0);
  twin.report_bytes = 0;
}
