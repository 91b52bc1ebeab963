import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { makeServerCertificate, type ServerCertificate } from "./certificates.ts";
import type { GivenCertificate } from "./options.ts";

const LOCK = "hub.pid";
const OWNER_ONLY = 0o600;
const RENEW_BEFORE_MS = 30 * 24 * 60 * 60 * 1000;

/**
 * Makes the directory if need be (readable by its owner only) and takes it for this process.
 *
 * @returns what gives it back
 * @throws Error of one line when another hub uses it or it cannot be written
 */
export function takeDataDir(dir: string): () => void {
  const path = join(dir, LOCK);
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    if (existsSync(path)) {
      const pid = Number(readFileSync(path, "utf8"));
      if (isRunning(pid)) {
        throw new Error(`${dir} is in use by the hub of process ${pid}; stop it or choose another`);
      }
      rmSync(path); // Left behind by a hub that was killed.
    }
    const fd = openSync(path, "wx", OWNER_ONLY);
    writeFileSync(fd, String(process.pid));
    closeSync(fd);
  } catch (cause) {
    const error = cause as NodeJS.ErrnoException;
    if (error.code === undefined) throw error;
    throw new Error(`${dir} cannot be used for the hub's data: ${error.message}`, { cause });
  }
  return () => rmSync(path, { force: true });
}

/** The given certificate, the one kept in `dir`, or a new one that is kept from now on. */
export async function openCertificate(
  dir: string | null,
  given: GivenCertificate | undefined,
  names: readonly string[],
  nowMs: number,
): Promise<ServerCertificate> {
  if (given !== undefined) {
    const caPem = given.caPem ?? given.certPem;
    const certificate = { ...given, caPem, notAfterMs: Number.POSITIVE_INFINITY };
    if (dir !== null) writeFileSync(join(dir, "ca.pem"), certificate.caPem);
    return certificate;
  }
  if (dir === null) return makeServerCertificate(names, nowMs);
  const file = (name: string) => join(dir, name);
  const kept = readKept(file("server.json"));
  const isUsable =
    kept !== null &&
    names.every((name) => kept.names.includes(name)) &&
    kept.notAfterMs - nowMs > RENEW_BEFORE_MS;
  if (isUsable) {
    writeFileSync(file("ca.pem"), kept.caPem);
    return kept;
  }
  const made = await makeServerCertificate(names, nowMs);
  const text = JSON.stringify({ ...made, names });
  writeFileSync(file("server.json"), text, { mode: OWNER_ONLY });
  writeFileSync(file("ca.pem"), made.caPem);
  return made;
}

type Kept = ServerCertificate & { readonly names: readonly string[] };

function readKept(path: string): Kept | null {
  if (!existsSync(path)) return null;
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Kept;
  } catch {
    return null; // Cut off while it was written: nobody trusts it yet.
  }
}

function isRunning(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
