import { BlockList, isIP } from "node:net";

const cache = new Map<string, BlockList>();
const CACHE_MAX = 1000;

/** Takes `10.0.0.0/8`, `::1/128` or one address; null: none of these. */
export function parseMask(mask: string): BlockList | null {
  const known = cache.get(mask);
  if (known !== undefined) return known;
  const [address = "", bits, ...rest] = mask.split("/");
  const family = isIP(address);
  const most = family === 4 ? 32 : 128;
  const prefix = bits === undefined ? most : Number(bits);
  const isWhole = /^\d{1,3}$/.test(bits ?? String(most));
  if (family === 0 || rest.length > 0 || !isWhole || prefix > most) return null;
  const list = new BlockList();
  list.addSubnet(address, prefix, family === 4 ? "ipv4" : "ipv6");
  if (cache.size >= CACHE_MAX) cache.clear();
  cache.set(mask, list);
  return list;
}

/** True: the address lies in the mask. */
export function addressMatches(address: string, mask: string): boolean {
  const family = isIP(address);
  if (family === 0) return false;
  return parseMask(mask)?.check(address, family === 4 ? "ipv4" : "ipv6") ?? false;
}
