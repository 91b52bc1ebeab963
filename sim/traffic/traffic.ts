/** The traffic kinds by name. */
import { readFileSync } from "node:fs";
import { readCapture } from "../capture.ts";
import type { TimedFrame } from "../net/tcp.ts";
import * as attacks from "./attacks.ts";
import * as benign from "./benign.ts";
import type { Batches, TrafficContext, TrafficKind } from "./context.ts";
import { malformed } from "./malformed.ts";

const KINDS: Readonly<Record<string, TrafficKind>> = { ...benign, ...attacks, malformed, capture };

/** Between a capture and its repeat, ms. */
const REPEAT_PAUSE_MS = 1000;
/** So many packets of a capture are put on the wire at once. */
const BATCH_PACKETS = 64;

/** The frames of one entry. @throws CaptureError for a damaged capture */
export function createTraffic(context: TrafficContext): Batches {
  const kind = KINDS[context.entry.kind];
  if (kind === undefined) throw new Error(`there is no traffic kind "${context.entry.kind}"`);
  return kind(context);
}

export const TRAFFIC_KINDS = Object.keys(KINDS);

/** Only Ethernet: what the model's driver is fed with. */
const LINK_ETHERNET = 1;

function* capture({ entry, fromMs, untilMs }: TrafficContext): Batches {
  const file = entry.file as string;
  const opened = readCapture(new Uint8Array(readFileSync(file)), file);
  let startMs = fromMs;
  for (let round = 0; round < (entry.repeat ?? 1); round++) {
    let lastMs = 0;
    let batch: TimedFrame[] = [];
    for (const packet of opened.packets()) {
      if (packet.linkType !== LINK_ETHERNET || packet.length < packet.originalBytes) {
        throw new Error(`${file}: scenarios replay whole Ethernet frames; capture with -s 0`);
      }
      lastMs = Math.max(0, packet.sinceFirstMs);
      if (startMs + lastMs > untilMs) break;
      const frame = packet.bytes.slice(packet.offset, packet.offset + packet.length);
      batch.push({ atMs: startMs + lastMs, frame });
      if (batch.length < BATCH_PACKETS) continue;
      yield batch;
      batch = [];
    }
    if (batch.length > 0) yield batch;
    startMs += lastMs + REPEAT_PAUSE_MS;
  }
}
