import "reflect-metadata";
import { webcrypto, X509Certificate } from "node:crypto";
import * as x509 from "@peculiar/x509";
import { connectAsync, type MqttClient } from "mqtt";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createHub, type Hub } from "../hub/hub.ts";
import { dial, rest, runSdk } from "./hub-support.ts";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const ADMIN =
  "/subscriptions/s/resourceGroups/g/providers/Microsoft.Devices/IotHubs/hub/certificates";

interface Made {
  readonly certificate: x509.X509Certificate;
  readonly keys: webcrypto.CryptoKeyPair;
  readonly certPem: string;
  readonly keyPem: string;
}

let hub: Hub;

beforeAll(async () => {
  x509.cryptoProvider.set(webcrypto as never);
  hub = await createHub({ httpsPort: 0 });
});

afterAll(() => hub.close());

async function make(name: string, isCa: boolean, issuer?: Made, days = 1): Promise<Made> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.create({
    subject: `CN=${name}`,
    issuer: issuer?.certificate.subject ?? `CN=${name}`,
    notBefore: new Date(Date.now() - 2 * 86_400_000),
    notAfter: new Date(Date.now() + days * 86_400_000),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey as never,
    signingKey: (issuer?.keys ?? keys).privateKey as never,
    extensions: [new x509.BasicConstraintsExtension(isCa, undefined, true)],
  });
  const der = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey));
  return {
    certificate,
    keys,
    certPem: `${certificate.toString("pem")}\n`,
    keyPem: x509.PemConverter.encode(der, "PRIVATE KEY"),
  };
}

function connect(deviceId: string, made: Made, chainPem = ""): Promise<MqttClient> {
  return connectAsync(`mqtts://localhost:${hub.mqttPort}`, {
    ca: hub.caPem,
    clientId: deviceId,
    username: `localhost/${deviceId}/?api-version=2021-04-12`,
    protocolVersion: 4,
    reconnectPeriod: 0,
    cert: made.certPem + chainPem,
    key: made.keyPem,
  });
}

function putDevice(deviceId: string, authentication: object) {
  return rest(hub, "PUT", `/devices/${deviceId}`, { deviceId, authentication });
}

describe("hub x509", () => {
  it.each(["fingerprint", "fingerprint256"] as const)(
    "x509: accepts a self-signed certificate by its %s, primary and secondary",
    async (kind) => {
      const deviceId = `self-${kind}`;
      const primary = await make(deviceId, false);
      const secondary = await make(deviceId, false);
      const hex = (made: Made) => new X509Certificate(made.certPem)[kind].replaceAll(":", "");
      const created = await putDevice(deviceId, {
        type: "selfSigned",
        x509Thumbprint: { primaryThumbprint: hex(primary), secondaryThumbprint: hex(secondary) },
      });
      expect(created.status).toBe(200);
      for (const made of [primary, secondary]) await (await connect(deviceId, made)).endAsync();
      const other = await make(deviceId, false);
      await expect(connect(deviceId, other)).rejects.toMatchObject({ code: 5 });
    },
  );

  it("x509: accepts a chain under a verified CA whose leaf is named as the device", async () => {
    const root = await make("root", true);
    const middle = await make("middle", true, root);
    const leaf = await make("ca-1", false, middle);
    await putDevice("ca-1", { type: "certificateAuthority" });
    await expect(connect("ca-1", leaf, middle.certPem)).rejects.toMatchObject({ code: 5 });
    const body = { properties: { certificate: root.certPem } };
    expect((await rest(hub, "PUT", `${ADMIN}/root`, body)).status).toBe(200);
    await expect(connect("ca-1", leaf, middle.certPem)).rejects.toMatchObject({ code: 5 });
    await rest(hub, "POST", `${ADMIN}/root/verify`, {});
    const client = await connect("ca-1", leaf, middle.certPem);
    await client.publishAsync("devices/ca-1/messages/events/", "x", { qos: 1 });
    await client.endAsync();
    const misnamed = await make("ca-2", false, middle);
    await expect(connect("ca-1", misnamed, middle.certPem)).rejects.toMatchObject({ code: 5 });
    const stale = await make("ca-1", false, root, -1);
    await expect(connect("ca-1", stale)).rejects.toMatchObject({ code: 5 });
    const leafAsCa = await make("ca-1", false, leaf);
    await expect(connect("ca-1", leafAsCa, leaf.certPem + middle.certPem)).rejects.toMatchObject({
      code: 5,
    });
  });

  it("x509: the changes of certificates and failed attempts are in the operations log", async () => {
    const bad = await rest(hub, "PUT", `${ADMIN}/bad`, { properties: { certificate: "rubbish" } });
    expect(bad.status).toBe(400);
    const unknown = { authorization: "SharedAccessSignature sr=x&sig=y&se=1" };
    expect((await rest(hub, "DELETE", `${ADMIN}/root`, undefined, unknown)).status).toBe(401);
    const entries = hub.core.operations
      .since(0, 10_000)
      .filter(({ category }) => category === "Certificates");
    expect(entries.map(({ operationName, result }) => [operationName, result])).toEqual([
      ["createCertificate", "Success"],
      ["verifyCertificate", "Success"],
      ["createCertificate", "Failure"],
      ["deleteCertificate", "Failure"],
    ]);
  });

  it("websocket: devices connect at the documented path, with SAS and with a certificate", async () => {
    const { primaryKey } = hub.createDevice("ws-1");
    const url = `wss://localhost:${hub.httpsPort}/$iothub/websocket?iothub-no-client-cert=true`;
    const options = { ca: hub.caPem, rejectUnauthorized: true };
    const client = await dialWs(url, "ws-1", primaryKey, options);
    await client.publishAsync("devices/ws-1/messages/events/", "x", { qos: 1 });
    expect(hub.core.devices.get("ws-1")?.transport).toBe("MqttWs");
    await client.endAsync();
    const made = await make("ws-2", false);
    const primaryThumbprint = new X509Certificate(made.certPem).fingerprint256;
    await putDevice("ws-2", { type: "selfSigned", x509Thumbprint: { primaryThumbprint } });
    const second = await connectAsync(url, {
      clientId: "ws-2",
      username: "localhost/ws-2/?api-version=2021-04-12",
      protocolVersion: 4,
      reconnectPeriod: 0,
      wsOptions: { ...options, cert: made.certPem, key: made.keyPem },
    });
    await second.endAsync();
  });
});

function dialWs(url: string, deviceId: string, key: string, wsOptions: object) {
  return connectWith(url, deviceId, key, wsOptions);
}

async function connectWith(url: string, deviceId: string, key: string, wsOptions: object) {
  const { createSasToken } = await import("../hub/sas.ts");
  const expiry = Math.floor(Date.now() / 1000) + 60;
  return connectAsync(url, {
    clientId: deviceId,
    username: `localhost/${deviceId}/?api-version=2021-04-12`,
    password: createSasToken(`localhost/devices/${deviceId}`, key, expiry),
    protocolVersion: 4,
    reconnectPeriod: 0,
    wsOptions,
  });
}

describe("hub provisioning", () => {
  const groupKey = Buffer.alloc(32, 3).toString("base64");
  const ownKey = Buffer.alloc(32, 4).toString("base64");

  it("dps: the SDK provisions individual and group devices, which then connect", async () => {
    const leaf = await make("cert-1", false);
    const certificate = leaf.certPem;
    const ca = await make("group-ca", true);
    const member = await make("cert-2", false, ca);
    const { parseEnrollments } = await import("../hub/dps/enrollments.ts");
    const enrollments = parseEnrollments({
      idScope: "0ne00000001",
      enrollments: [
        { registrationId: "one", symmetricKey: ownKey, initialTwin: { tags: { from: "dps" } } },
        { registrationId: "off", symmetricKey: ownKey, provisioningStatus: "disabled" },
        { registrationId: "cert-1", x509: { certificate } },
      ],
      groups: [
        { enrollmentGroupId: "g", symmetricKey: groupKey },
        { enrollmentGroupId: "c", x509: { caCertificate: ca.certPem } },
      ],
    });
    const own = await createHub({ enrollments });
    try {
      const { deriveDeviceKey } = await import("../hub/dps/enrollments.ts");
      const memberKey = deriveDeviceKey(groupKey, "member-1");
      const results = await runSdk(
        own,
        `
        import provisioning from "azure-iot-provisioning-device";
        import mqtt from "azure-iot-provisioning-device-mqtt";
        import keySdk from "azure-iot-security-symmetric-key";
        const host = "localhost:${own.mqttPort}";
        for (const [id, key] of ${JSON.stringify([
          ["one", ownKey],
          ["member-1", memberKey],
          ["member-2", memberKey],
          ["off", ownKey],
        ])}) {
          const security = new keySdk.SymmetricKeySecurityClient(id, key);
          const client = provisioning.ProvisioningDeviceClient.create(
            host, "0ne00000001", new mqtt.Mqtt(), security);
          await client.register().then(
            (r) => print([r.deviceId, r.assignedHub, r.status]), (e) => print([id, e.name]));
        }
        for (const [id, cert, key] of ${JSON.stringify([
          ["cert-1", leaf.certPem, leaf.keyPem],
          ["cert-2", member.certPem, member.keyPem],
          ["cert-3", member.certPem, member.keyPem],
        ])}) {
          const security = {
            getCertificate: (done) => done(null, { cert, key }),
            getRegistrationId: () => id,
          };
          const client = provisioning.ProvisioningDeviceClient.create(
            host, "0ne00000001", new mqtt.Mqtt(), security);
          await client.register().then((r) => print(r.deviceId), (e) => print([id, e.name]));
        }
        process.exit(0);
        `,
      );
      const assigned = `localhost:${own.mqttPort}`;
      expect(results).toEqual([
        ["one", assigned, "assigned"],
        ["member-1", assigned, "assigned"],
        ["member-2", "Error"],
        ["off", "Error"],
        "cert-1",
        "cert-2",
        ["cert-3", "Error"],
      ]);
      expect(own.core.twins.get({ deviceId: "one", moduleId: null }).tags).toEqual({ from: "dps" });
      await (await dial(own, "one", ownKey)).endAsync();
      await (await dial(own, "member-1", memberKey)).endAsync();
    } finally {
      await own.close();
    }
  }, 30_000);
});
