/** Writes captures in every variant of pcap and pcapng that the reader must read. */

/** One frame of a capture. */
export interface Frame {
  readonly seconds: number;
  readonly nanos: number;
  /** Captured bytes. */
  readonly data: Uint8Array;
  /** Bytes on the wire; absent: all were captured. */
  readonly originalBytes?: number;
}

export interface PcapOptions {
  readonly little: boolean;
  readonly nanos: boolean;
  readonly linkType: number;
  /** Bytes kept of each frame; absent: all. */
  readonly snapBytes?: number;
}

const SNAP_BYTES = 262_144;

export function writePcap(frames: readonly Frame[], options: PcapOptions): Uint8Array {
  const { little, nanos, linkType, snapBytes = SNAP_BYTES } = options;
  const out = createBytes(little);
  out.u32(nanos ? 0xa1b23c4d : 0xa1b2c3d4);
  out.u16(2);
  out.u16(4);
  out.u32(0);
  out.u32(0);
  out.u32(snapBytes);
  out.u32(linkType);
  for (const { seconds, nanos: fraction, data, originalBytes } of frames) {
    const kept = data.subarray(0, snapBytes);
    out.u32(seconds);
    out.u32(nanos ? fraction : Math.floor(fraction / 1000));
    out.u32(kept.length);
    out.u32(originalBytes ?? data.length);
    out.raw(kept);
  }
  return out.take();
}

export interface PcapngInterface {
  readonly linkType: number;
  /** if_tsresol; absent: the option is left out, which means microseconds. */
  readonly resolution?: number;
  /** if_tsoffset, seconds. */
  readonly offsetSeconds?: number;
  readonly snapBytes?: number;
}

export interface PcapngPacket extends Frame {
  /** Number of its interface in the section. */
  readonly interface: number;
  readonly block: "enhanced" | "simple" | "obsolete";
}

export interface PcapngSection {
  readonly little: boolean;
  readonly interfaces: readonly PcapngInterface[];
  readonly packets: readonly PcapngPacket[];
  /** Blocks and options that a reader must pass over. */
  readonly extras?: boolean;
}

export function writePcapng(sections: readonly PcapngSection[]): Uint8Array {
  const all = sections.map(writeSection);
  return joinBytes(all);
}

/** One section with one interface: what capture programs usually write. */
export function writeSimplePcapng(
  frames: readonly Frame[],
  little: boolean,
  source: PcapngInterface,
  block: PcapngPacket["block"] = "enhanced",
): Uint8Array {
  const packets = frames.map((frame) => ({ ...frame, interface: 0, block }));
  return writePcapng([{ little, interfaces: [source], packets }]);
}

function writeSection({ little, interfaces, packets, extras }: PcapngSection): Uint8Array {
  const out = createBytes(little);
  block(out, 0x0a0d0d0a, () => {
    out.u32(0x1a2b3c4d);
    out.u16(1);
    out.u16(0);
    out.u32(0xffffffff);
    out.u32(0xffffffff);
    if (extras) option(out, 4, new TextEncoder().encode("pcap-writer"));
    if (extras) option(out, 0, new Uint8Array(0));
  });
  for (const source of interfaces)
    block(out, 1, () => writeInterface(out, source, extras ?? false));
  for (const packet of packets) {
    const source = interfaces[packet.interface];
    if (source === undefined) throw new Error(`no interface ${packet.interface}`);
    if (extras) block(out, 0xbad, () => out.raw(packet.data));
    writePacket(out, packet, source, extras ?? false);
  }
  if (extras) block(out, 5, () => out.raw(new Uint8Array(12)));
  return out.take();
}

function writeInterface(out: Bytes, source: PcapngInterface, extras: boolean): void {
  out.u16(source.linkType);
  out.u16(0);
  out.u32(source.snapBytes ?? 0);
  if (extras) option(out, 2, new TextEncoder().encode("eth0"));
  if (source.resolution !== undefined) option(out, 9, Uint8Array.of(source.resolution));
  if (source.offsetSeconds !== undefined) {
    const value = createBytes(out.little);
    value.u64(BigInt(source.offsetSeconds));
    option(out, 14, value.take());
  }
  if (extras) option(out, 0, new Uint8Array(0));
}

function writePacket(
  out: Bytes,
  packet: PcapngPacket,
  source: PcapngInterface,
  extras: boolean,
): void {
  const kept = packet.data.subarray(0, source.snapBytes ?? packet.data.length);
  const original = packet.originalBytes ?? packet.data.length;
  if (packet.block === "simple") {
    block(out, 3, () => {
      out.u32(original);
      out.raw(kept);
    });
    return;
  }
  block(out, packet.block === "enhanced" ? 6 : 2, () => {
    if (packet.block === "enhanced") out.u32(packet.interface);
    else {
      out.u16(packet.interface);
      out.u16(0xffff);
    }
    const time = timestamp(packet, source);
    out.u32(Number(time >> 32n));
    out.u32(Number(time & 0xffffffffn));
    out.u32(kept.length);
    out.u32(original);
    out.raw(kept);
    if (extras) option(out, 2, Uint8Array.of(0, 0, 0, 1));
    if (extras) option(out, 0, new Uint8Array(0));
  });
}

/** Units since the interface's offset, rounded up so that a reader that rounds down comes back. */
function timestamp({ seconds, nanos }: Frame, source: PcapngInterface): bigint {
  const resolution = source.resolution ?? 6;
  const power = BigInt(resolution & 0x7f);
  const units = (resolution & 0x80) === 0 ? 10n ** power : 1n << power;
  const time = BigInt(seconds - (source.offsetSeconds ?? 0)) * 1_000_000_000n + BigInt(nanos);
  const whole = (time * units) / 1_000_000_000n;
  const exact = whole * 1_000_000_000n === time * units;
  return exact || units < 1_000_000_000n ? whole : whole + 1n;
}

function block(out: Bytes, type: number, body: () => void): void {
  const start = out.length;
  out.u32(type);
  out.u32(0);
  body();
  out.pad();
  const length = out.length - start + 4;
  out.u32(length);
  out.setU32(start + 4, length);
}

function option(out: Bytes, code: number, value: Uint8Array): void {
  out.u16(code);
  out.u16(value.length);
  out.raw(value);
  out.pad();
}

export interface Bytes {
  readonly little: boolean;
  readonly length: number;
  u16(value: number): void;
  u32(value: number): void;
  u64(value: bigint): void;
  raw(bytes: Uint8Array): void;
  /** Zeros up to a multiple of four. */
  pad(): void;
  setU32(at: number, value: number): void;
  take(): Uint8Array;
}

/** A growing buffer of one byte order. */
export function createBytes(little: boolean): Bytes {
  let buffer = new Uint8Array(1024);
  let view = new DataView(buffer.buffer);
  let length = 0;
  function room(bytes: number): number {
    const at = length;
    length += bytes;
    if (length > buffer.length) {
      const grown = new Uint8Array(2 * length);
      grown.set(buffer);
      buffer = grown;
      view = new DataView(buffer.buffer);
    }
    return at;
  }
  return {
    little,
    get length() {
      return length;
    },
    u16(value) {
      const at = room(2);
      view.setUint16(at, value, little);
    },
    u32(value) {
      const at = room(4);
      view.setUint32(at, value, little);
    },
    u64(value) {
      const at = room(8);
      view.setBigInt64(at, value, little);
    },
    raw(bytes) {
      const at = room(bytes.length);
      buffer.set(bytes, at);
    },
    pad: () => {
      room((4 - (length % 4)) % 4);
    },
    setU32: (at, value) => view.setUint32(at, value, little),
    take: () => buffer.slice(0, length),
  };
}

export function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
