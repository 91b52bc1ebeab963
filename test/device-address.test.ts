import { describe, expect, it } from "vitest";
import { AddressError, formatAddress, parseDeviceAddresses } from "../host/netx/address.ts";

describe("device-address: texts", () => {
  it.each([
    ["10.20.0.10", ["10.20.0.10"]],
    ["10.20.0.10/24, FD00:0020:0::0:10/64", ["10.20.0.10/24", "fd00:20::10/64"]],
    ["::1", ["::1"]],
    ["127.0.0.1/8", ["127.0.0.1/8"]],
    ["fe80::1:0:0:1", ["fe80::1:0:0:1"]],
    ["2001:db8:0:0:1:0:0:1/0", ["2001:db8::1:0:0:1/0"]],
    ["1:0:3:4:5:6:7:8", ["1:0:3:4:5:6:7:8"]],
    ["64:ff9b::192.0.2.33/128", ["64:ff9b::c000:221/128"]],
    ["10.0.0.0/31,10.0.0.255/32", ["10.0.0.0/31", "10.0.0.255/32"]],
  ])("device-address: reads %s", (text, expected) => {
    const written = parseDeviceAddresses(text).map(
      ({ bytes, prefix }) => formatAddress(bytes) + (prefix === undefined ? "" : `/${prefix}`),
    );
    expect(written).toEqual(expected);
  });

  it.each([
    ["", /is no IP address: give IPv4/],
    ["board", /is no IP address/],
    ["10.20.0.256", /is no IP address/],
    ["010.20.0.1", /is no IP address/],
    ["10.20.0", /is no IP address/],
    ["10.20.0.10,", /"" is no IP address/],
    ["10.20.0.10/24/1", /is no IP address/],
    ["fe80::1%eth0", /is no IP address/],
    ["1::2::3", /is no IP address/],
    ["10.20.0.10/33", /wrong prefix length: give 0 to 32/],
    ["10.20.0.10/", /wrong prefix length/],
    ["10.20.0.10/-1", /wrong prefix length/],
    ["10.20.0.10/1e1", /wrong prefix length/],
    ["fd00::1/129", /wrong prefix length: give 0 to 128/],
    ["::ffff:10.20.0.10", /is IPv4 in IPv6 form: give it as IPv4/],
    ["224.0.0.1", /is a multicast address/],
    ["ff02::1", /is a multicast address/],
    ["0.0.0.0", /is no host's address/],
    ["::", /is no host's address/],
    ["255.255.255.255", /is the broadcast address/],
    ["10.20.0.0/24", /is a network, no host/],
    ["10.20.0.255/24", /is its network's broadcast address/],
    ["fd00::1,fd00:0::1/64", /fd00::1 is given twice/],
    ["10.0.0.1\n10.0.0.2", /is no IP address/],
  ])("device-address: refuses %j in one line", (text, message) => {
    const attempt = () => parseDeviceAddresses(text);
    expect(attempt).toThrow(AddressError);
    expect(attempt).toThrow(message);
    expect(attempt).not.toThrow(/\n/);
  });
});
