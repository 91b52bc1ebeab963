/** Puts the content of an Ethernet frame behind another link header. */
import {
  LINK_ETHERNET,
  LINK_IPV4,
  LINK_IPV6,
  LINK_LINUX_SLL,
  LINK_LINUX_SLL2,
  LINK_LOOP,
  LINK_NULL,
  LINK_RAW,
  LINK_RAW_BSD,
  LINK_RAW_OPENBSD,
} from "../../host/netx/link.ts";
import type { Frame } from "./pcap-writer.ts";

const HEADER = 14;

/**
 * The same frame on a link of another type; undefined if it cannot carry it (ARP on raw IP).
 */
export function relink(frame: Frame, linkType: number): Frame | undefined {
  const type = etherType(frame);
  const content = frame.data.subarray(HEADER);
  switch (linkType) {
    case LINK_ETHERNET:
      return frame;
    case LINK_LINUX_SLL:
      return behind(frame, [0, 0, 0, 1, 0, 6, ...macOf(frame), 0, 0, ...u16(type)], content);
    case LINK_LINUX_SLL2: {
      const head = [...u16(type), 0, 0, 0, 0, 0, 2, 0, 1, 0, 6, ...macOf(frame), 0, 0];
      return behind(frame, head, content);
    }
  }
  const ip = ipOf(frame);
  if (ip === undefined) return undefined;
  const version4 = (ip[0] ?? 0) >> 4 === 4;
  switch (linkType) {
    case LINK_RAW:
    case LINK_RAW_BSD:
    case LINK_RAW_OPENBSD:
      return behind(frame, [], ip);
    case LINK_IPV4:
      return version4 ? behind(frame, [], ip) : undefined;
    case LINK_IPV6:
      return version4 ? undefined : behind(frame, [], ip);
    case LINK_NULL:
      return behind(frame, [version4 ? 2 : 10, 0, 0, 0], ip);
    case LINK_LOOP:
      return behind(frame, [0, 0, 0, version4 ? 2 : 30], ip);
  }
  throw new Error(`relink: link type ${linkType}`);
}

/** The same frame with VLAN tags in front of its type. */
export function tagged(frame: Frame, tpids: readonly number[]): Frame {
  const tags = tpids.flatMap((tpid, i) => [...u16(tpid), 0, 100 + i]);
  return behind(frame, [...frame.data.subarray(0, 12), ...tags], frame.data.subarray(12));
}

/** The same frame as IEEE 802.3 with LLC and SNAP. */
export function snapped(frame: Frame): Frame {
  const content = frame.data.subarray(12);
  const length = content.length + 6;
  if (length > 1500) return frame;
  const head = [...frame.data.subarray(0, 12), ...u16(length), 0xaa, 0xaa, 3, 0, 0, 0];
  return behind(frame, head, content);
}

function behind(frame: Frame, head: readonly number[], content: Uint8Array): Frame {
  const data = new Uint8Array(head.length + content.length);
  data.set(head);
  data.set(content, head.length);
  const lost = (frame.originalBytes ?? frame.data.length) - frame.data.length;
  return { ...frame, data, originalBytes: data.length + lost };
}

function etherType({ data }: Frame): number {
  return ((data[12] ?? 0) << 8) | (data[13] ?? 0);
}

function macOf({ data }: Frame): Uint8Array {
  return data.subarray(6, 12);
}

/** The IP packet of a frame, with or without a VLAN tag. */
function ipOf({ data }: Frame): Uint8Array | undefined {
  let at = 12;
  while (data[at] === 0x81 && data[at + 1] === 0) at += 4;
  const type = ((data[at] ?? 0) << 8) | (data[at + 1] ?? 0);
  return type === 0x0800 || type === 0x86dd ? data.subarray(at + 2) : undefined;
}

function u16(value: number): [number, number] {
  return [value >> 8, value & 0xff];
}
