/** Packets that no stack would send: sound ones with bytes changed, cut, or lengths that lie. */
import * as packets from "../net/frame.ts";
import { filler } from "../net/payload.ts";
import type { Prng } from "../prng.ts";
import { type Batches, type TrafficContext, times } from "./context.ts";

const ETHERNET_BYTES = 14;

export function* malformed(context: TrafficContext): Batches {
  const { random } = context;
  for (const atMs of times(context, "100ms", 200)) {
    const from = context.peer(1024 + random.below(60_000));
    const to = context.device(random.below(1024));
    const isTcp = random.chance(0.5);
    const sound = isTcp
      ? packets.tcpFrame(from, to, {
          flags: random.below(256),
          sequence: random.next(),
          acknowledged: random.next(),
          data: filler(random.below(64)),
        })
      : packets.udpFrame(from, to, filler(random.below(64)));
    yield [{ atMs, frame: damage(sound, random) }];
  }
}

/** Changes a frame in one of several ways; the addresses stay, so that it is for the device. */
function damage(frame: Uint8Array, random: Prng): Uint8Array {
  const view = new DataView(frame.buffer);
  const isIpv4 = view.getUint16(12) === 0x0800;
  const header = isIpv4 ? 20 : 40;
  switch (random.below(6)) {
    case 0: // Cut off behind the IP header or in the transport header.
      return frame.slice(0, ETHERNET_BYTES + header + random.below(12));
    case 1: // A length that does not fit.
      view.setUint16(ETHERNET_BYTES + (isIpv4 ? 2 : 4), random.below(65_536));
      return frame;
    case 2: // A header length that does not fit, or a next header that is none.
      if (isIpv4) frame[ETHERNET_BYTES] = 0x40 | random.below(16);
      else frame[ETHERNET_BYTES + 6] = random.pick([0, 43, 44, 60]);
      return frame;
    case 3: // A fragment of nothing.
      if (isIpv4) view.setUint16(ETHERNET_BYTES + 6, random.below(0x4000));
      return frame;
    case 4: // A TCP header of the wrong length.
      frame[Math.min(frame.length - 1, ETHERNET_BYTES + header + 12)] = random.below(256);
      return frame;
    default:
      for (let i = 0; i < 4; i++) {
        frame[ETHERNET_BYTES + header + random.below(frame.length - ETHERNET_BYTES - header)] =
          random.below(256);
      }
      return frame;
  }
}
