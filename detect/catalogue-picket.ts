/** Alerts of our own: behaviours seen in the flows, learned ranges, custom rules. */
import type { Row } from "./catalogue.ts";

const BLOCK = "Block the source at the network's edge, and close the ports that need not be open.";
const ISOLATE =
  "Take the device off the network: it acts for someone else. Reinstall its firmware, change what " +
  "credentials it held.";
const NORMAL = "If this is what the device should do, dismiss the alert or allow the destination.";

export const PICKET_ALERTS: readonly Row[] = [
  [
    "Picket_PortScanAgainstDevice",
    "Port scan against the device",
    "M",
    "One remote host tried many ports of the device in a short time.",
    BLOCK,
  ],
  [
    "Picket_ScanFromDevice",
    "Outward scan from the device",
    "H",
    "The device tried many hosts on one port, or many ports of one host, as a worm does.",
    ISOLATE,
  ],
  [
    "Picket_BruteForceOnService",
    "Possible brute-force attempt on a login service",
    "M",
    "One remote host opened many short connections to a login port of the device.",
    `${BLOCK} Make sure that no default password is left.`,
  ],
  [
    "Picket_Beacon",
    "Regular outbound contact (beaconing)",
    "M",
    "The device opens small connections to one outside host at regular intervals.",
    `Find which task does this. ${NORMAL}`,
  ],
  [
    "Picket_Upload",
    "Large upload to an outside host (possible exfiltration)",
    "M",
    "The device sent much more to one outside host than it got back.",
    `Find what was sent. ${NORMAL}`,
  ],
  [
    "Picket_ConnectionFloodAgainstDevice",
    "Connection flood against the device",
    "M",
    "Connections to one port of the device are opened faster than its use explains.",
    BLOCK,
  ],
  [
    "Picket_ConnectionFloodFromDevice",
    "Connection flood from the device",
    "H",
    "The device opens connections to one host faster than its use explains.",
    ISOLATE,
  ],
  [
    "Picket_DatagramFlood",
    "UDP flow flood",
    "M",
    "Many new UDP flows with one outside host in a short time.",
    "Find which task or host sends them; block it if nothing explains them.",
  ],
  [
    "Picket_PacketFlood",
    "Packet flood against the device",
    "M",
    "One host sends the device packets faster than it answers them.",
    BLOCK,
  ],
  [
    "Picket_CloudToDeviceBurst",
    "Cloud-to-device message flood",
    "L",
    "Far more cloud-to-device messages came in a short time than a device is sent normally.",
    "Find which service sends them; a group rule sets the range that is right for the device.",
  ],
  [
    "Picket_BaselineActiveConnections",
    "Active connections outside the learned range",
    "L",
    "The number of connections left the range learned for the device at this hour.",
    NORMAL,
  ],
  [
    "Picket_BaselineDestinations",
    "Number of destinations outside the learned range",
    "L",
    "The device talks with more or fewer hosts than learned for this hour.",
    NORMAL,
  ],
  [
    "Picket_BaselineBytesOut",
    "Bytes sent outside the learned range",
    "L",
    "The device sends more or less than learned for this hour.",
    NORMAL,
  ],
  [
    "Picket_BaselineBytesIn",
    "Bytes received outside the learned range",
    "L",
    "The device receives more or less than learned for this hour.",
    NORMAL,
  ],
  [
    "Picket_BaselineMessages",
    "Message rate outside the learned range",
    "L",
    "The device sends more or fewer security events than learned for this hour.",
    NORMAL,
  ],
  [
    "Picket_NewDestination",
    "Destination never seen in the group",
    "L",
    "The device opened a connection to a host that no device of its group has talked with before.",
    NORMAL,
  ],
  [
    "Picket_CustomRule",
    "Custom rule",
    "L",
    "A rule written for this deployment fired.",
    "See the rule's own text.",
  ],
];
