/**
 * Security messages from a folder: `FOLDER/DEVICE/FILE`, one message a file, in the order of their
 * names. A file that has been stored moves to `FOLDER/DEVICE/taken/`.
 */
import { mkdir, readdir, readFile, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { MESSAGE_BYTES_MAX } from "../../wire/decode.ts";
import { SECURITY_INTERFACE_ID } from "../../wire/events.ts";
import type { SourceMessage } from "../processor.ts";
import type { Source } from "./source.ts";

export interface FolderSourceConfig {
  readonly type: "folder";
  readonly path: string;
  /** Looked at every so many ms. Default 1000. */
  readonly everyMs?: number;
}

const TAKEN = "taken";

/** Takes what is there now, and then what comes. @throws Error when the folder cannot be read */
export async function startFolderSource(
  config: FolderSourceConfig,
  ingest: (message: SourceMessage) => Promise<void>,
): Promise<Source> {
  let error: string | null = null;
  let timer: NodeJS.Timeout | null = null;
  let running: Promise<void> = takeFolder(config.path, ingest);
  let isClosed = false;
  await running;
  const again = () => {
    if (isClosed) return;
    timer = setTimeout(() => {
      running = takeFolder(config.path, ingest)
        .then(() => {
          error = null;
        })
        .catch((failure: Error) => {
          error = failure.message;
        })
        .finally(again);
    }, config.everyMs ?? 1000);
  };
  again();
  return {
    name: `folder ${config.path}`,
    status: () => error,
    async close() {
      isClosed = true;
      if (timer) clearTimeout(timer);
      await running;
    },
  };
}

async function takeFolder(
  path: string,
  ingest: (message: SourceMessage) => Promise<void>,
): Promise<void> {
  const devices = await readdir(path, { withFileTypes: true }).catch((cause) => {
    throw new Error(`source folder ${path}: ${cause.code ?? cause.message}`, { cause });
  });
  for (const device of devices.filter((entry) => entry.isDirectory())) {
    const folder = join(path, device.name);
    const files = await readdir(folder, { withFileTypes: true });
    for (const name of files
      .filter((entry) => entry.isFile())
      .map((entry) => entry.name)
      .sort()) {
      // A name that begins with a dot, or ends in .part, is still being written.
      if (name.startsWith(".") || name.endsWith(".part")) continue;
      await takeFile(folder, name, device.name, ingest);
    }
  }
}

async function takeFile(
  folder: string,
  name: string,
  deviceId: string,
  ingest: (message: SourceMessage) => Promise<void>,
): Promise<void> {
  const path = join(folder, name);
  const { mtimeMs, size } = await stat(path);
  // One byte over the limit is enough for the decoder to refuse it by its length.
  const body =
    size > MESSAGE_BYTES_MAX ? new Uint8Array(MESSAGE_BYTES_MAX + 1) : await readFile(path);
  await ingest({
    deviceId,
    moduleId: null,
    body,
    systemProperties: { "iothub-interface-id": SECURITY_INTERFACE_ID },
    enqueuedTimeMs: Math.floor(mtimeMs),
  });
  await mkdir(join(folder, TAKEN), { recursive: true });
  await rename(path, join(folder, TAKEN, name));
}
