import {
  closeSync,
  existsSync,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  truncateSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { StringDecoder } from "node:string_decoder";

/**
 * The append-only file behind `store.ts`: one line of JSON `[collection, key, value]` per change,
 * the last one for a key counts, `null` deletes. A line that a crash cut off was never
 * acknowledged and is dropped on opening. Written through to the operating system before the
 * caller goes on (safe against `kill -9`), and to the disk within `SYNC_MS`.
 */
export interface Journal {
  append(collection: string, key: string, value: unknown): void;
  isDirty(): boolean;
  flush(): void;
  close(): void;
}

type Maps = ReadonlyMap<string, ReadonlyMap<string, unknown>>;

const FILE_NAME = "state.jsonl";
const READ_BYTES = 1 << 20;
const COMPACT_BYTES_MIN = 4 * 1024 * 1024;
const SYNC_MS = 200;

export function openJournal(
  dir: string,
  mapOf: (name: string) => Map<string, unknown>,
  maps: Maps,
  log: (line: string) => void,
): Journal {
  const path = join(dir, FILE_NAME);
  if (existsSync(path)) replay(path, mapOf, log);
  let { fd, bytes } = writeSnapshot(path, maps);
  let compactAt = Math.max(COMPACT_BYTES_MIN, bytes * 4);
  let lines: string[] = [];
  let syncTimer: NodeJS.Timeout | null = null;
  let isClosed = false;

  const sync = () => {
    syncTimer = null;
    fdatasync(fd, () => {}); // A file that was replaced meanwhile was synchronised by its successor.
  };
  const flush = () => {
    if (lines.length === 0 || isClosed) return;
    const chunk = Buffer.from(lines.join(""), "utf8");
    try {
      writeAll(fd, chunk);
    } catch (error) {
      ftruncateSync(fd, bytes); // No half line in the middle; the changes wait for the next try.
      throw error;
    }
    lines = [];
    bytes += chunk.length;
    syncTimer ??= setTimeout(sync, SYNC_MS);
    if (bytes > compactAt) compact();
  };
  const compact = () => {
    try {
      const next = writeSnapshot(path, maps);
      closeSync(fd);
      ({ fd, bytes } = next);
      compactAt = Math.max(COMPACT_BYTES_MIN, bytes * 4);
    } catch (error) {
      // The journal itself is whole: it goes on, and is made small another time.
      compactAt = bytes * 2;
      log(`${path} is not compacted: ${(error as Error).message}`);
    }
  };
  return {
    append: (collection, key, value) => {
      lines.push(lineOf(collection, key, value));
    },
    isDirty: () => lines.length > 0,
    flush,
    close: () => {
      flush();
      if (syncTimer !== null) clearTimeout(syncTimer);
      fdatasyncSync(fd);
      closeSync(fd);
      isClosed = true;
    },
  };
}

function lineOf(collection: string, key: string, value: unknown): string {
  return `${JSON.stringify([collection, key, value])}\n`;
}

/** Writes the present state to a new file and puts it in the old one's place. */
function writeSnapshot(path: string, maps: Maps): { fd: number; bytes: number } {
  rmSync(`${path}.new`, { force: true });
  const fd = openSync(`${path}.new`, "ax", 0o600);
  let bytes = 0;
  let block = "";
  const put = () => {
    const chunk = Buffer.from(block, "utf8");
    writeAll(fd, chunk);
    bytes += chunk.length;
    block = "";
  };
  for (const [collection, map] of maps) {
    for (const [key, value] of map) {
      block += lineOf(collection, key, value);
      if (block.length > READ_BYTES) put();
    }
  }
  put();
  fsyncSync(fd);
  renameSync(`${path}.new`, path);
  return { fd, bytes };
}

function writeAll(fd: number, chunk: Buffer): void {
  let at = 0;
  while (at < chunk.length) at += writeSync(fd, chunk, at, chunk.length - at, null);
}

function replay(
  path: string,
  mapOf: (name: string) => Map<string, unknown>,
  log: (line: string) => void,
): void {
  const fd = openSync(path, "r");
  try {
    const decoder = new StringDecoder("utf8");
    const size = fstatSync(fd).size;
    const block = Buffer.alloc(READ_BYTES);
    let rest = "";
    let line = 0;
    for (let at = 0; at < size; ) {
      const read = readSync(fd, block, 0, block.length, at);
      if (read === 0) break;
      at += read;
      const lines = (rest + decoder.write(block.subarray(0, read))).split("\n");
      rest = lines.pop() ?? "";
      for (const text of lines) apply(text, ++line, path, mapOf);
    }
    if (rest !== "") {
      log(`${path}: the last ${rest.length} characters were cut off by a crash; dropped`);
      truncateSync(path, size - Buffer.byteLength(rest));
    }
  } finally {
    closeSync(fd);
  }
}

function apply(
  text: string,
  line: number,
  path: string,
  mapOf: (name: string) => Map<string, unknown>,
): void {
  let change: unknown;
  try {
    change = JSON.parse(text);
  } catch (cause) {
    throw new Error(`${path}: line ${line} is damaged; restore the file or move it away`, {
      cause,
    });
  }
  const [collection, key, value] = Array.isArray(change) ? change : [];
  if (typeof collection !== "string" || typeof key !== "string" || value === undefined) {
    throw new Error(`${path}: line ${line} is no change record; restore the file or move it away`);
  }
  if (value === null) mapOf(collection).delete(key);
  else mapOf(collection).set(key, value);
}
