/** Recommendations for hub, devices and agents. */
import type { Row } from "./catalogue.ts";

const raised: readonly Row[] = [
  [
    "IoT_SharedCredentials",
    "Identical authentication credentials used by multiple devices",
    "H",
    "Two or more devices hold the same key or certificate, so one can pose as another.",
    "Give each device a credential of its own.",
    ["Same authentication credentials used by multiple devices"],
  ],
  [
    "IoT_IPFilter_DenyAll",
    "Default IP filter policy should be deny",
    "M",
    "The hub's IP filter does not end with a rule that refuses everything else.",
    "List the networks that may connect, then add a last rule that denies 0.0.0.0/0.",
  ],
  [
    "IoT_IPFilter_PermissiveRule",
    "IP filter rule includes a large IP range",
    "M",
    "An allow rule of the hub's IP filter covers a /8 or more (IPv6: a /32 or more).",
    "Narrow the rule to the networks that your devices use.",
    ["IP filter rule includes large IP range"],
  ],
  [
    "Picket_EnableDiagnosticsLogs",
    "Enable diagnostics logs in IoT Hub",
    "L",
    "The hub keeps no operations log, so that no incident can be traced later.",
    "Switch the operations log on and keep it for up to a year.",
    ["Diagnostic logs in IoT Hub should be enabled"],
  ],
  [
    "IoT_RecommendedIpRulesByBaseLine",
    "Recommended rules for IP filter",
    "M",
    "The addresses that devices connect from, learned, would fit in a short allow list.",
    "Add the rules that the recommendation lists, then deny the rest.",
  ],
  [
    "IoT_InconsistentModuleSettings",
    "SecurityGroup has inconsistent module settings",
    "M",
    "The security module of one device is configured otherwise than the rest of its group.",
    "Set the module twins of the group alike.",
  ],
  [
    "IoT_VulnerableTLSCipherSuite",
    "TLS cipher suite upgrade needed",
    "M",
    "A connection was made with a TLS version or cipher suite that is no longer safe.",
    "Update the TLS library of the device and refuse versions below 1.2.",
  ],
  [
    "IoT_OpenPorts",
    "Open ports on device",
    "M",
    "The device listens for connections.",
    "Close the ports that the device's task does not need.",
  ],
  [
    "IoT_PermissiveFirewallPolicy",
    "Permissive firewall policy found in one of the chains",
    "M",
    "The default of a firewall chain lets everything through.",
    "Deny by default and allow what is needed.",
  ],
  [
    "IoT_PermissiveInputFirewallRules",
    "Permissive firewall rule in the input chain",
    "M",
    "A firewall rule lets a wide range of addresses or ports in.",
    "Narrow the rule to the hosts and ports that are needed.",
  ],
  [
    "IoT_PermissiveOutputFirewallRules",
    "Permissive firewall rule in the output chain",
    "M",
    "A firewall rule lets a wide range of addresses or ports out.",
    "Narrow the rule to the hosts and ports that are needed.",
  ],
  [
    "IoT_Baseline",
    "Operating system baseline validation has failed",
    "M",
    "A check of the device's configuration failed.",
    "Correct what the failed check names.",
    ["Operation system baseline validation has failed"],
  ],
  [
    "Picket_AgentSendsUnutilizedMessages",
    "Agent sends unutilized messages",
    "L",
    "A tenth or more of a day's security messages were below 4 KB, the unit that hubs bill.",
    "Raise the message frequencies or lower the priority of events, so that more travel together.",
  ],
  [
    "Picket_TwinConfigurationNotOptimal",
    "Security twin configuration not optimal",
    "L",
    "A setting of the security module wastes messages or loses events.",
    "Change the setting as the recommendation says.",
  ],
  [
    "Picket_TwinConfigurationConflict",
    "Security twin configuration conflict",
    "L",
    "Two settings of the security module contradict each other.",
    "Change one of the settings that the recommendation names.",
  ],
];

/** They need container images and modules that a hub for RTOS devices does not have. */
const elsewhere: readonly Row[] = [
  [
    "IoT_PrivilegedDockerOptions",
    "High level permissions configured in IoT Edge model twin for IoT Edge module",
    "H",
    "An edge module runs with the rights of the host.",
    "Take away what the module does not need.",
  ],
  [
    "IoT_ACRAuthentication",
    "Service principal not used with ACR repository",
    "M",
    "An edge image is pulled without an identity of its own.",
    "Use a service principal for the registry.",
  ],
  [
    "IoT_EdgeHubMemOptimize",
    "IoT Edge Hub memory can be optimized",
    "L",
    "The edge hub keeps heads for protocols that no device uses.",
    "Switch the unused ones off.",
  ],
  [
    "IoT_EdgeLoggingOptions",
    "No logging configured for IoT Edge module",
    "L",
    "An edge module logs nothing.",
    "Switch its log on.",
  ],
];

export const RECOMMENDATIONS = { raised, elsewhere };
