/** Alerts from what an IoT hub sees itself: the 10 built-in and the 14 custom ones. */
import type { Row } from "./catalogue.ts";
import { customAlertType, WINDOW_RULES, type WindowRuleType } from "./rule-types.ts";

const WHO_CHANGED = "Find out who made the change and whether it was meant.";
const RESTRICT = "Find out who tried, and leave this right to as few identities as possible.";
const REVIEW = "Look at the other alerts of this device around that time before trusting it again.";
const IMPERSONATION =
  "If the device is talking with a valid credential at the same time, treat the attempt as " +
  "someone posing as it and roll its keys; otherwise renew its credential.";

const builtIn: readonly Row[] = [
  [
    "IoT_Cert_Print_Mismatch",
    "X.509 device certificate thumbprint mismatch",
    "M",
    "The certificate presented at connect is not one registered for the device.",
    REVIEW,
  ],
  [
    "IoT_Cert_Expired",
    "X.509 certificate expired",
    "M",
    "The device connected with a certificate whose validity has ended.",
    IMPERSONATION,
  ],
  [
    "IoT_Expired_SAS_Token",
    "Expired SAS token",
    "L",
    "The device used a SAS token after the expiry that stands in it.",
    IMPERSONATION,
  ],
  [
    "IoT_Invalid_SAS_Token",
    "Invalid SAS token signature",
    "L",
    "The signature of a SAS token matches neither key of the device.",
    `${REVIEW} A mistyped key gives the same alert.`,
  ],
  [
    "IoT_CertificateSuccessfullyAddedToHub",
    "Detected addition of new certificate to an IoT Hub",
    "M",
    "A CA certificate was added to the hub: devices that it signs can connect.",
    `${WHO_CHANGED} If not, remove the certificate and tell whoever answers for security.`,
    ["New certificate added to an IoT Hub"],
  ],
  [
    "IoT_CertificateSuccessfullyDeletedFromHub",
    "Detected deletion of a certificate from an IoT Hub",
    "M",
    "A CA certificate was removed from the hub: devices that it signed cannot connect.",
    `${WHO_CHANGED} If not, add it again and tell whoever answers for security.`,
    ["Certificate deleted from an IoT Hub"],
  ],
  [
    "Hub_CertificateFailedToBeAddedToHub",
    "Detected unsuccessful attempt to add a certificate to an IoT Hub",
    "M",
    "Adding a CA certificate to the hub failed.",
    RESTRICT,
    [
      "Detected unsuccessful attempt to add a certificate",
      "Unsuccessful attempt detected to add a certificate to an IoT Hub",
    ],
  ],
  [
    "IoT.Hub_CertificateFailedToBeDeletedFromHub",
    "Detected unsuccessful attempt to delete a certificate from an IoT Hub",
    "M",
    "Removing a CA certificate from the hub failed.",
    RESTRICT,
    [
      "Detected unsuccessful attempt to delete a certificate",
      "Unsuccessful attempt detected to delete a certificate from an IoT Hub",
    ],
  ],
  [
    "IoT_DiagnosticSettingAddedOrEditedOnHub",
    "Detected an attempt to add or edit a diagnostic setting of an IoT Hub",
    "L",
    "The hub's audit trail was redirected or changed, or someone tried to.",
    `${WHO_CHANGED} If not, restore the former setting.`,
    [
      "Detected an attempt to add or edit a diagnostic setting",
      "Attempt to add or edit a diagnostic setting of an IoT Hub detected",
    ],
  ],
  [
    "IoT_DiagnosticSettingDeletedFromHub",
    "Detected an attempt to delete a diagnostic setting from an IoT Hub",
    "L",
    "The hub's audit trail was switched off, or someone tried to.",
    RESTRICT,
    [
      "Detected attempt to delete a diagnostic setting",
      "Attempt to delete a diagnostic setting from an IoT Hub detected",
    ],
  ],
];

/** Window rules whose data comes from the device's agent. */
export const AGENT_WINDOW_RULES: readonly WindowRuleType[] = [
  "ActiveConnectionsNotInAllowedRange",
  "FailedLocalLoginsNotInAllowedRange",
];

const custom: readonly Row[] = (Object.keys(WINDOW_RULES) as WindowRuleType[])
  .filter((ruleType) => !AGENT_WINDOW_RULES.includes(ruleType))
  .map((ruleType) => {
    const { name } = WINDOW_RULES[ruleType];
    return [
      customAlertType(ruleType),
      name,
      "L",
      "A count over a time window left the range set for the device's security group.",
      "Find what sent more or less than usual. If it was meant, widen the range of the group.",
      [
        name.replace("is not in the allowed range", "outside allowed range"),
        `Custom alert - ${name}`,
      ],
    ];
  });

export const HUB_ALERTS = { builtIn, custom };
