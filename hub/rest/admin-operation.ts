import type { AdminAttempt } from "../admin.ts";

const HUB =
  /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.Devices\/IotHubs\/[^/]+/;
const NAME_CHARS_MAX = 64;

/**
 * Which change of the hub's management a request asks for, whether it is let in or not.
 * Null: it changes nothing there.
 */
export function adminOperation(method: string, url: string): AdminAttempt | null {
  const path = url.split("?")[0] ?? "";
  const hub = HUB.exec(path);
  if (hub === null || method === "GET") return null;
  const rest = path.slice(hub[0].length).split("/").filter(Boolean);
  if (rest.length === 0) {
    return { category: "IpFilter", operationName: "updateIpFilter", name: "" };
  }
  const isCertificate = rest[0] === "certificates";
  const name = (isCertificate ? rest[1] : rest[3])?.slice(0, NAME_CHARS_MAX) ?? "";
  if (isCertificate) {
    const operationName =
      method === "DELETE"
        ? "deleteCertificate"
        : rest[2] === "verify"
          ? "verifyCertificate"
          : "createCertificate";
    return { category: "Certificates", operationName, name };
  }
  if (rest[2] !== "diagnosticSettings") return null;
  const operationName = method === "DELETE" ? "deleteDiagnosticSetting" : "updateDiagnosticSetting";
  return { category: "DiagnosticSettings", operationName, name };
}
