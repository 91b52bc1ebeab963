/** Alerts from what a device's agent reports. */
import type { Row } from "./catalogue.ts";
import { AGENT_WINDOW_RULES } from "./catalogue-hub.ts";
import { ALLOW_RULES, type AllowRuleType, customAlertType, WINDOW_RULES } from "./rule-types.ts";

const ORIGIN =
  "Find which task opened the connections. If it was meant, allow it in the group's rule; " +
  "otherwise take the device off the network and reinstall its firmware.";
const SOURCE = "Find where it came from in the raw events. If it was meant, allow it in the rule.";
const ASK_USER =
  "Ask who ran it whether it was meant; if nobody did, hand the case to whoever answers for security.";
const EXPECTED = "Make sure this was expected on the device; if not, hand the case on.";

const raised: readonly Row[] = [
  [
    "IoT_TiConnection",
    "Communication with a suspicious IP address detected",
    "M",
    "The device exchanged traffic with an address or name on a threat-intelligence feed.",
    "Check what the device wanted there. If nothing explains it, block the address.",
    ["Suspicious IP address communication"],
  ],
  [
    "IoT_MaliciousNameQueriesDetection",
    "Malicious Domain Name Request",
    "M",
    "The device asked for a name that a threat-intelligence feed lists.",
    "Take the device off the network and look for what asked.",
  ],
  [
    "IoT_FailedLocalLogin",
    "Failed local login",
    "M",
    "A sign-in at the device itself failed.",
    "Make sure that only those who should can reach the device.",
  ],
  [
    "Picket_SuccessfulBruteForce",
    "Successful brute-force attempt",
    "H",
    "Several sign-ins failed, then one from the same source succeeded.",
    "Treat the account as taken: change its password, close the session, look for what was left.",
    ["Successful Bruteforce attempt", "Brute force attack succeeded"],
  ],
  [
    "Picket_FailedBruteForce",
    "Failed brute-force attempt",
    "L",
    "Several sign-ins from one source failed in a short time.",
    "Close the login service to that network, or limit the rate of attempts.",
    ["Failed Bruteforce attempt"],
  ],
  [
    "Picket_DeviceSilent",
    "Device silent",
    "L",
    "Nothing has come from the device for longer than its heartbeat allows.",
    "Check that the device is powered and connected, and that its agent runs.",
  ],
  [
    "Picket_TwinParseFailure",
    "IoT agent attempted and failed to parse the module twin configuration",
    "M",
    "The desired configuration of the security module holds a value that the agent refuses.",
    "Hold the module twin against its schema and correct the setting that the alert names.",
  ],
];

const custom: readonly Row[] = [
  ...AGENT_WINDOW_RULES.map((ruleType): Row => {
    const { name } = WINDOW_RULES[ruleType];
    const what = "A value over a time window left the range set for the device's security group.";
    return [customAlertType(ruleType), name, "L", what, ORIGIN, [`Custom alert - ${name}`]];
  }),
  ...(Object.keys(ALLOW_RULES) as AllowRuleType[]).map((ruleType): Row => {
    const { name, valueType } = ALLOW_RULES[ruleType];
    const fix = valueType === "IpCidr" ? ORIGIN : SOURCE;
    const what = "Something that is not on the allow list of the device's security group.";
    return [customAlertType(ruleType), name, "L", what, fix, [`Custom alert - ${name}`]];
  }),
];

const linux = (type: string, name: string, severity: "H" | "M" | "L", what: string): Row => [
  type,
  name,
  severity,
  what,
  /Connection|Disconnection|File (Created|Modified|Deleted)|htaccess/.test(name)
    ? EXPECTED
    : ASK_USER,
];

/** Documented for Linux agents; an RTOS has no such evidence. Custom rules may use their types. */
const elsewhere: readonly Row[] = [
  linux("IoT_BinaryCommandLine", "Binary Command Line", "H", "A binary was called from a shell."),
  linux("IoT_DisableFirewall", "Disable firewall", "H", "The host firewall was switched off."),
  linux("IoT_PortForwarding", "Port forwarding detection", "H", "A port was forwarded outside."),
  linux(
    "IoT_DisableAuditdLogging",
    "Possible attempt to disable Auditd logging",
    "H",
    "The audit trail was switched off.",
  ),
  linux("IoT_ReverseShell", "Reverse shells", "H", "A shell was connected to the outside."),
  linux(
    "IoT_SucessfulLocalLogin",
    "Successful local login",
    "H",
    "Someone signed in at the device.",
  ),
  linux("IoT_WebShell", "Web shell", "H", "A shell was left behind a web server."),
  linux(
    "IoT_Ransomware",
    "Behavior similar to ransomware",
    "H",
    "Files like known ransomware ran.",
  ),
  linux("IoT_CryptoMiner", "Crypto coin miner image", "H", "A mining program ran."),
  linux("IoT_USBConnection", "New USB Connection", "H", "A USB device was attached."),
  linux("IoT_UsbDisconnection", "USB Disconnection", "H", "A USB device was removed."),
  linux("IoT_EthernetConnection", "New Ethernet Connection", "H", "A network cable was attached."),
  linux("IoT_EthernetDisconnection", "Ethernet Disconnection", "H", "A network link was lost."),
  linux("IoT_FileCreated", "New File Created", "H", "A file appeared in a watched place."),
  linux("IoT_FileModified", "File Modified", "H", "A watched file was changed."),
  linux("IoT_FileDeleted", "File Deleted", "H", "A watched file was removed."),
  linux(
    "IoT_CommonBots",
    "Behavior similar to common Linux bots",
    "M",
    "A process like those of botnets.",
  ),
  linux(
    "IoT_FairwareMalware",
    "Behavior similar to Fairware ransomware",
    "M",
    "Whole trees were removed.",
  ),
  linux(
    "IoT_CryptoMinerContainer",
    "Crypto coin miner container image",
    "M",
    "A mining image ran.",
  ),
  linux(
    "IoT_SuspiciousNohup",
    "Suspicious use of nohup",
    "M",
    "nohup was used from a temporary folder.",
  ),
  linux("IoT_SuspiciousUseradd", "Suspicious use of useradd", "M", "An account was made oddly."),
  linux(
    "IoT_ExposedDocker",
    "Exposed Docker daemon by TCP socket",
    "M",
    "dockerd listens unprotected.",
  ),
  linux(
    "IoT_PossibleMalware",
    "File download from a malicious source",
    "M",
    "A known source was used.",
  ),
  linux("IoT_AccessingHtaccessFile", "htaccess file access", "M", "An htaccess file was touched."),
  linux("IoT_KnownAttackTools", "Known attack tool", "M", "A known attack tool ran."),
  linux("IoT_LinuxReconnaissance", "Local host reconnaissance", "M", "The host was explored."),
  linux(
    "IoT_ScriptInterpreterMismatch",
    "Mismatch between script interpreter and file extension",
    "M",
    "A script was disguised.",
  ),
  linux("IoT_LinuxBackdoor", "Possible backdoor", "M", "A file was fetched and run."),
  linux("IoT_EgressData", "Possible loss of data", "M", "Data may have left the device."),
  linux("IoT_PrivilegedContainer", "Privileged container", "M", "A container has the whole host."),
  linux("IoT_RemovelOfSystemLogs", "Removal of system log files", "M", "Logs were removed."),
  linux("IoT_ExecuteFileWithTrailingSpace", "Space after filename", "M", "A name hides its kind."),
  linux(
    "IoT_CredentialAccessTools",
    "Tools commonly used for malicious credential access",
    "M",
    "A credential dumper ran.",
  ),
  linux("IoT_SuspiciousCompilation", "Suspicious compilation", "M", "Something was compiled here."),
  linux(
    "IoT_DownloadFileThenRun",
    "Suspicious file download followed by file run",
    "M",
    "Fetched and run at once.",
  ),
  linux("IoT_ClearHistoryFile", "Bash history cleared", "L", "The shell history was wiped."),
  linux(
    "Picket_FileOverriding",
    "Potential overriding of common files",
    "M",
    "A common program was replaced.",
  ),
  linux(
    "Picket_UserAddedToGroups",
    "Local user added to one or more groups",
    "L",
    "An account gained groups.",
  ),
  linux(
    "Picket_UserDeletedFromGroups",
    "Local user deleted from one or more groups",
    "L",
    "An account lost groups.",
  ),
  linux("Picket_UserDeleted", "Local user deletion detected", "L", "An account was removed."),
];

export const AGENT_ALERTS = { raised, custom, elsewhere };
