/**
 * The link layer below NetX: finds the IP packet in a frame, as a NetX driver does before it calls
 * `_nx_ip_packet_receive`. Link types: the LINKTYPE_ registry of tcpdump.org.
 */

export const LINK_NULL = 0;
export const LINK_ETHERNET = 1;
export const LINK_RAW_BSD = 12;
export const LINK_RAW_OPENBSD = 14;
export const LINK_RAW = 101;
export const LINK_LOOP = 108;
export const LINK_LINUX_SLL = 113;
export const LINK_IPV4 = 228;
export const LINK_IPV6 = 229;
export const LINK_LINUX_SLL2 = 276;

export const ETHERTYPE_IPV4 = 0x0800;
export const ETHERTYPE_IPV6 = 0x86dd;

const ETHERNET_BYTES = 14;
const SLL_BYTES = 16;
const SLL2_BYTES = 20;
/** Smaller values of an Ethernet type field are an IEEE 802.3 length. */
const ETHERTYPE_MIN = 0x0600;
/** Linux `ETH_P_802_2`: what cooked headers carry in front of LLC. */
const SLL_PROTOCOL_LLC = 0x0004;

/** What `findIp` found. */
export const LINK_IP = 0;
export const LINK_NOT_IP = 1;
/** The captured bytes end inside the link header. */
export const LINK_SHORT = 2;

/** Where the IP packet lies; filled by `findIp`, owned by the caller so that nothing is allocated. */
export interface IpPlace {
  /** First byte of the IP header, index into the bytes that were given. */
  offset: number;
  /** 4 or 6 as the link layer says it; the header's own nibble must agree. */
  version: number;
}

const KNOWN: ReadonlySet<number> = new Set([
  LINK_NULL,
  LINK_ETHERNET,
  LINK_RAW_BSD,
  LINK_RAW_OPENBSD,
  LINK_RAW,
  LINK_LOOP,
  LINK_LINUX_SLL,
  LINK_IPV4,
  LINK_IPV6,
  LINK_LINUX_SLL2,
]);

/** True if `findIp` can read frames of this LINKTYPE_ value. */
export function isKnownLinkType(linkType: number): boolean {
  return KNOWN.has(linkType);
}

/**
 * Finds the IP packet in a frame.
 *
 * @param linkType LINKTYPE_ value; one that is not known gives LINK_NOT_IP
 * @param bytes holds the frame
 * @param offset first byte of the frame
 * @param end one past its last captured byte
 * @param place receives the result when LINK_IP is returned
 * @returns LINK_IP, LINK_NOT_IP or LINK_SHORT
 */
export function findIp(
  linkType: number,
  bytes: Uint8Array,
  offset: number,
  end: number,
  place: IpPlace,
): number {
  switch (linkType) {
    case LINK_ETHERNET:
      return afterHeader(bytes, offset + ETHERNET_BYTES, end, offset + 12, place);
    case LINK_LINUX_SLL:
      return afterCooked(bytes, offset + SLL_BYTES, end, offset + 14, place);
    case LINK_LINUX_SLL2:
      return afterCooked(bytes, offset + SLL2_BYTES, end, offset, place);
    case LINK_RAW_BSD:
    case LINK_RAW_OPENBSD:
    case LINK_RAW:
      if (offset >= end) return LINK_SHORT;
      return found(place, offset, (bytes[offset] as number) >> 4);
    case LINK_IPV4:
      return found(place, offset, 4);
    case LINK_IPV6:
      return found(place, offset, 6);
    case LINK_NULL:
    case LINK_LOOP:
      return afterFamily(bytes, offset, end, place);
    default:
      return LINK_NOT_IP;
  }
}

function found(place: IpPlace, offset: number, version: number): number {
  place.offset = offset;
  place.version = version;
  return LINK_IP;
}

/** Linux cooked: an Ethernet type, or one of a few small numbers, of which one stands for LLC. */
function afterCooked(
  bytes: Uint8Array,
  next: number,
  end: number,
  typeAt: number,
  place: IpPlace,
): number {
  if (next > end) return LINK_SHORT;
  const type = readU16(bytes, typeAt);
  if (type < ETHERTYPE_MIN && type !== SLL_PROTOCOL_LLC) return LINK_NOT_IP;
  return afterHeader(bytes, next, end, typeAt, place);
}

/** `typeAt` is where the header holds its type; `next` is the first byte after the header. */
function afterHeader(
  bytes: Uint8Array,
  next: number,
  end: number,
  typeAt: number,
  place: IpPlace,
): number {
  let at = next;
  let typeOffset = typeAt;
  for (;;) {
    if (at > end) return LINK_SHORT;
    const type = readU16(bytes, typeOffset);
    if (type === ETHERTYPE_IPV4) return found(place, at, 4);
    if (type === ETHERTYPE_IPV6) return found(place, at, 6);
    if (isVlan(type)) {
      // IEEE 802.1Q: two bytes of tag, then the type of what follows.
      typeOffset = at + 2;
      at += 4;
      continue;
    }
    if (type >= ETHERTYPE_MIN) return LINK_NOT_IP;
    // IEEE 802.2 SNAP with an OUI that stands for Ethernet types (RFC 1042).
    if (at + 8 > end) return at + 3 > end || isSnap(bytes, at) ? LINK_SHORT : LINK_NOT_IP;
    if (!isSnap(bytes, at) || readU16(bytes, at + 3) !== 0 || bytes[at + 5] !== 0) {
      return LINK_NOT_IP;
    }
    typeOffset = at + 6;
    at += 8;
    if (readU16(bytes, typeOffset) < ETHERTYPE_MIN) return LINK_NOT_IP;
  }
}

function isVlan(type: number): boolean {
  return type === 0x8100 || type === 0x88a8 || type === 0x9100 || type === 0x9200;
}

function isSnap(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === 0xaa && bytes[at + 1] === 0xaa && bytes[at + 2] === 0x03;
}

/**
 * BSD loopback: an address family in front of the packet, in the capturing machine's byte order,
 * which differs from one machine to the next. All families in use are below 256.
 */
function afterFamily(bytes: Uint8Array, offset: number, end: number, place: IpPlace): number {
  if (offset + 4 > end) return LINK_SHORT;
  const big = readU16(bytes, offset) === 0;
  if (!big && readU16(bytes, offset + 2) !== 0) return LINK_NOT_IP;
  if (bytes[offset + (big ? 2 : 1)] !== 0) return LINK_NOT_IP;
  const family = bytes[offset + (big ? 3 : 0)];
  if (family === 2) return found(place, offset + 4, 4);
  // AF_INET6 of Linux, NetBSD and OpenBSD, FreeBSD, macOS.
  if (family === 10 || family === 24 || family === 28 || family === 30) {
    return found(place, offset + 4, 6);
  }
  return LINK_NOT_IP;
}

function readU16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}
