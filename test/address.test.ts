import fc from "fast-check";
import { expect, it } from "vitest";
import { canonicalAddress, ipv6Text } from "../wire/address.ts";

it("address: IPv6 texts become those of RFC 5952", () => {
  for (const [text, expected] of [
    ["2001:0DB8:0:0:0:0:0:1", "2001:db8::1"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
    ["2001:db8::1:0:0:1", "2001:db8::1:0:0:1"],
    ["0:0:0:0:0:0:0:0", "::"],
    ["1:0:0:0:0:0:0:0", "1::"],
    ["0:0:0:0:0:0:0:1", "::1"],
    ["::FFFF:10.0.0.1", "::ffff:10.0.0.1"],
    ["::ffff:a00:1", "::ffff:10.0.0.1"],
    ["64:ff9b::192.0.2.33", "64:ff9b::c000:221"],
    ["192.168.1.1", "192.168.1.1"],
    ["fe80::1%eth0", null],
    ["192.168.1", null],
    ["1:2:3", null],
    ["", null],
  ] as const) {
    expect(canonicalAddress(text), text).toBe(expected);
  }
});

it("address: bytes and their plain text give the same canonical text", () => {
  const bytes = fc.uint8Array({ minLength: 16, maxLength: 16 });
  fc.assert(
    fc.property(bytes, (raw) => {
      const plain = Array.from({ length: 8 }, (_, i) =>
        (((raw[2 * i] ?? 0) << 8) | (raw[2 * i + 1] ?? 0)).toString(16),
      ).join(":");
      expect(canonicalAddress(plain)).toBe(ipv6Text(raw));
      expect(new URL(`http://[${ipv6Text(raw)}]/`).hostname).toBe(
        new URL(`http://[${plain}]/`).hostname,
      );
    }),
  );
});
