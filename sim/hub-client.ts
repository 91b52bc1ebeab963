/** A running hub as the simulator uses it: registers devices over REST, sends over MQTT. */
import { createHmac } from "node:crypto";
import { request } from "node:https";
import { connectUplink, type Uplink } from "../host/uplink.ts";

/** Where a hub is, and a policy that may register devices. */
export interface HubAddress {
  readonly hostName: string;
  readonly policy: string;
  /** Base64. */
  readonly key: string;
  readonly mqttPort: number;
  readonly httpsPort: number;
  /** Trusted certificates, PEM. */
  readonly caPem: string;
}

export interface HubClient {
  /** Registers device and module if they are not there, and connects as the module. */
  connect(deviceId: string, moduleId: string): Promise<Uplink>;
}

/** A hub that cannot be used: one line. */
export class HubClientError extends Error {
  override readonly name = "HubClientError";
}

const API_VERSION = "2021-04-12";
const TOKEN_S = 3600;
const HTTP_CONFLICT = 409;
const ANSWER_BYTES_MAX = 65_536;

/** @param nowS real clock, seconds since 1970 */
export function createHubClient(hub: HubAddress, nowS: () => number): HubClient {
  const { hostName } = hub;
  const token = (resource: string, key: string, policy?: string): string => {
    const expiry = Math.floor(nowS()) + TOKEN_S;
    const signed = `${encodeURIComponent(resource)}\n${expiry}`;
    const signature = createHmac("sha256", Buffer.from(key, "base64"))
      .update(signed)
      .digest("base64");
    const named = policy === undefined ? "" : `&skn=${policy}`;
    return `SharedAccessSignature sr=${encodeURIComponent(resource)}&sig=${encodeURIComponent(signature)}&se=${expiry}${named}`;
  };

  async function call(method: string, path: string, body?: object): Promise<Answer> {
    const authorization = token(hostName, hub.key, hub.policy);
    return send(hub, method, `${path}?api-version=${API_VERSION}`, authorization, body);
  }

  /** Makes an identity, or takes the one that there is. @returns its primary key */
  async function register(path: string, identity: object): Promise<string> {
    let answer = await call("PUT", path, identity);
    if (answer.status === HTTP_CONFLICT) answer = await call("GET", path);
    if (answer.status !== 200 && answer.status !== 201) {
      throw new HubClientError(
        `the hub ${hostName} refuses to register ${path}: ${answer.status} ${answer.text.slice(0, 200)}`,
      );
    }
    const found = JSON.parse(answer.text) as {
      authentication?: { symmetricKey?: { primaryKey?: string | null } };
    };
    const key = found.authentication?.symmetricKey?.primaryKey;
    if (typeof key !== "string") {
      throw new HubClientError(`${path} at the hub ${hostName} has no symmetric key`);
    }
    return key;
  }

  return {
    async connect(deviceId, moduleId) {
      const devicePath = `/devices/${encodeURIComponent(deviceId)}`;
      await register(devicePath, { deviceId });
      const key = await register(`${devicePath}/modules/${moduleId}`, { deviceId, moduleId });
      return connectUplink({
        host: hostName,
        port: hub.mqttPort,
        hostName,
        deviceId,
        moduleId,
        caPem: hub.caPem,
        createToken: () => token(`${hostName}/devices/${deviceId}/modules/${moduleId}`, key),
      });
    },
  };
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

function send(
  hub: HubAddress,
  method: string,
  path: string,
  authorization: string,
  body?: object,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: hub.hostName,
        port: hub.httpsPort,
        method,
        path,
        ca: hub.caPem,
        headers: { authorization, "content-type": "application/json" },
      },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (part: string) => {
          if (text.length < ANSWER_BYTES_MAX) text += part;
        });
        response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
      },
    );
    sent.on("error", (cause: NodeJS.ErrnoException) => {
      const what = cause.code ?? cause.message;
      const place = `${hub.hostName}:${hub.httpsPort}`;
      reject(new HubClientError(`the hub ${place} cannot be reached: ${what}`, { cause }));
    });
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
