import { type Command, InvalidArgumentError } from "commander";
import type { ServeOptions } from "../../hub/serve.ts";
import { UserError } from "../errors.ts";

interface Flags extends Omit<ServeOptions, "log" | "httpsPort" | "amqpPort" | "plainMqttPort"> {
  readonly httpsPort: number | false;
  readonly amqpPort: number | false;
  readonly plainMqttPort?: number;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  $ picket hub --data ./hub
      on the ports that the SDKs expect (8883, 443, 5671); needs the right to open 443
  $ picket hub --mqtt-port 18883 --https-port 18443 --amqp-port 15671
      on free ports; state in memory only
  $ NODE_EXTRA_CA_CERTS=./hub/ca.pem node my-device.js
      a program with the official SDK that trusts the hub

Telemetry and the operations log are readable over HTTPS with the service's token:
  GET /telemetry?offset=0   GET /telemetry/stream   GET /operations   GET /operations/stream
`;

/** `picket hub`: a local hub that stock Azure IoT device and service SDKs can use. */
export function register(program: Command): void {
  program
    .command("hub")
    .description("run a local hub that stock Azure IoT device and service SDKs can use")
    .option("--host <address>", "address to listen on", "127.0.0.1")
    .option("--host-name <name>", "the hub's name in connection strings", "localhost")
    .option("--mqtt-port <port>", "MQTT over TLS; 0: a free one", port, 8883)
    .option("--https-port <port>", "REST and WebSocket; 0: a free one", port, 443)
    .option("--no-https-port", "no REST and WebSocket")
    .option("--amqp-port <port>", "AMQP over TLS; 0: a free one", port, 5671)
    .option("--no-amqp-port", "no AMQP")
    .option("--plain-mqtt-port <port>", "MQTT without TLS, for tests; 0: a free one", port)
    .option("--data <dir>", "keep state, telemetry and certificates here (default: in memory)")
    .option("--cert <file>", "server certificate, PEM (default: made on first start)")
    .option("--key <file>", "its private key, PEM")
    .option("--ca <file>", "what clients must trust, PEM (default: the certificate)")
    .option("--owner-key <base64>", "key of the policy iothubowner (default: made on first start)")
    .option("--policies <file>", "shared access policies, JSON")
    .option("--enrollments <file>", "devices that may provision themselves (DPS), JSON")
    .option("--retention-hours <hours>", "keep telemetry so long (default: 24)", positive)
    .option("--retention-mb <megabytes>", "keep so much telemetry (default: 256)", positive)
    .option("--json", "print ports and connection strings as one JSON document")
    .addHelpText("after", EXAMPLES)
    .action(run);
}

async function run({ json, ...flags }: Flags): Promise<void> {
  // Only now: other commands need not wait for the hub's libraries.
  const { describeHub, serveHub } = await import("../../hub/serve.ts");
  const { hub, report } = await serveHub({
    ...flags,
    httpsPort: flags.httpsPort === false ? null : flags.httpsPort,
    amqpPort: flags.amqpPort === false ? null : flags.amqpPort,
    plainMqttPort: flags.plainMqttPort ?? null,
    log: (line) => process.stderr.write(`${line}\n`),
  }).catch((cause) => {
    throw new UserError(cause instanceof Error ? cause.message : String(cause), 1, { cause });
  });
  process.stdout.write(json ? `${JSON.stringify(report)}\n` : describeHub(report));
  await new Promise<void>((resolve) => {
    process.once("SIGINT", () => resolve());
    process.once("SIGTERM", () => resolve());
  });
  await hub.close();
}

function port(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 0 && value <= 65_535) return value;
  throw new InvalidArgumentError("expected a whole number from 0 to 65535");
}

function positive(text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError("expected a number above 0");
}
