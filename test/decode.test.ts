import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import fc from "fast-check";
import { afterAll, expect, it, vi } from "vitest";
import { register } from "../cli/commands/decode.ts";
import { UserError } from "../cli/errors.ts";
import { decodeMessage, decodeToJson, MESSAGE_BYTES_MAX, tellFormat } from "../wire/decode.ts";
import { WireError } from "../wire/events.ts";
import { parseJson1 } from "../wire/json1.ts";
import { renderMessage } from "../wire/render.ts";
import { FIXTURES, SAMPLES, sample, sampleJson } from "./support/legacy-samples.ts";

const ID = "00000000-0000-4000-8000-00000000000a";
const TIME = "2024-01-02T03:04:05.006Z";
const LOGIN = { ProcessId: 1, Operation: "Login", Executable: "/bin/login", Result: "Fail" };
const JSON1 = {
  AgentVersion: "1.0.0",
  AgentId: ID,
  MessageSchemaVersion: "1.0",
  Events: [
    {
      Id: ID,
      TimestampLocal: TIME,
      TimestampUTC: TIME,
      Category: "Triggered",
      Name: "Login",
      EventType: "Security",
      IsEmpty: false,
      PayloadSchemaVersion: "1.0",
      Payload: [{ ...LOGIN, UserName: "a\u001b[31m\nb\u202ec" }],
    },
  ],
};
/** A heartbeat, written by hand after `wire/message.cddl`. */
const PICKET = Uint8Array.from(
  Buffer.from(
    "d9d9f7 9f 01 480102030405060708 01 00 07 83011a6553f1001 83c ff".replace(/ /g, ""),
    "hex",
  ),
);

const directory = mkdtempSync(join(tmpdir(), "picket-decode-"));
afterAll(() => rmSync(directory, { recursive: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}
function fixture(name: string): string {
  return fileURLToPath(new URL(`${name}.bin`, FIXTURES));
}

/** Runs `picket decode` in this process; what it throws is what `picket` prints. */
async function decode(...args: string[]): Promise<{ out: string; err: string; error: unknown }> {
  const output = { out: "", err: "" };
  const write = (to: "out" | "err") => (text: string | Uint8Array) => {
    output[to] += text;
    return true;
  };
  const spies = [
    vi.spyOn(process.stdout, "write").mockImplementation(write("out")),
    vi.spyOn(process.stderr, "write").mockImplementation(write("err")),
  ];
  const program = new Command().exitOverride();
  register(program);
  try {
    await program.parseAsync(["decode", ...args], { from: "user" });
    return { ...output, error: null };
  } catch (error) {
    return { ...output, error };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

it("decode: formats are told apart by content", () => {
  for (const name of SAMPLES) expect(tellFormat(sample(name))).toBe("legacy-2.3");
  const encode = (text: string) => new TextEncoder().encode(text);
  for (const text of ["{", " \t\r\n{}", "\ufeff{}", "\ufeff  {"]) {
    expect(tellFormat(encode(text))).toBe("json-1.0");
  }
  expect(tellFormat(PICKET)).toBe("picket");
  // A legacy message whose root table stands at byte 123, the code of {.
  expect(tellFormat(Uint8Array.of(0x7b, 0, 0, 0))).toBe("legacy-2.3");
});

it("decode: each format gives the neutral model", () => {
  expect(decodeMessage(sample("s01_heartbeat_only"))).toMatchObject({ format: "legacy-2.3" });
  const json = new TextEncoder().encode(JSON.stringify(JSON1));
  expect(decodeMessage(json)).toEqual(parseJson1(json));
  expect(decodeMessage(PICKET)).toMatchObject({
    format: "picket",
    events: [{ name: "Heartbeat", timeMs: 1_700_000_000_000, intervalMs: 60_000 }],
  });
});

it("decode: ours as JSON is a JSON message 1.0", () => {
  const json = JSON.parse(decodeToJson(PICKET));
  expect(json).toMatchObject({ MessageSchemaVersion: "1.0", Events: [{ Name: "Heartbeat" }] });
  expect(parseJson1(JSON.stringify(json)).events).toEqual(decodeMessage(PICKET).events);
});

it("decode: a message of the largest size is read, one byte more is refused", () => {
  const longer = new Uint8Array(MESSAGE_BYTES_MAX + 1).fill(0x20);
  longer.set(new TextEncoder().encode(JSON.stringify(JSON1)));
  expect(decodeMessage(longer.subarray(0, MESSAGE_BYTES_MAX)).events).toHaveLength(1);
  expect(() => decodeMessage(longer)).toThrow(`longer than a message may be (${MESSAGE_BYTES_MAX}`);
});

it("decode: random bytes of every format end in one line", () => {
  const starts = fc.constantFrom(
    [],
    [0xd9, 0xd9, 0xf7],
    [0x7b],
    [...PICKET.slice(0, 18)],
    [4, 0, 0, 0],
  );
  const bytes = fc.tuple(starts, fc.uint8Array({ maxLength: 300 }));
  fc.assert(
    fc.property(bytes, ([start, rest]) => shownOrRefused(Uint8Array.from([...start, ...rest]))),
    { numRuns: 5_000 },
  );
  expect(() => decodeMessage(new Uint8Array())).toThrow("empty, not a security message");
});

it("decode: messages of every format with changed bytes are shown or end in one line", () => {
  const json = new TextEncoder().encode(JSON.stringify(JSON1));
  const messages = fc.constantFrom(PICKET, json, ...SAMPLES.map(sample));
  const changes = fc.array(fc.tuple(fc.nat(600), fc.nat(255)), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(messages, changes, (message, patch) => {
      const bytes = message.slice();
      for (const [at, value] of patch) bytes[at % bytes.length] = value;
      shownOrRefused(bytes);
    }),
    { numRuns: 5_000 },
  );
});

it("decode: picket decode --json of one legacy file prints its JSON", async () => {
  for (const name of SAMPLES) {
    const { out, err, error } = await decode(fixture(name), "--json");
    expect({ out, err, error }).toEqual({ out: `${sampleJson(name)}\n`, err: "", error: null });
  }
});

it("decode: picket decode --json of one JSON file prints it as it stands", async () => {
  const { out, error } = await decode("--json", file("login.json", JSON.stringify(JSON1)));
  expect(error).toBeNull();
  expect(JSON.parse(out)).toEqual(JSON1);
  expect(out).toMatch(/^[\n -~]*$/);
});

it("decode: picket decode --json of several files prints an array with null for bad", async () => {
  const bad = file("bad.bin", sample("s01_heartbeat_only").slice(0, 100));
  const { out, err, error } = await decode(
    "--json",
    fixture("p02_ipv4_1flow_tcp"),
    bad,
    fixture("g01_listening_ports"),
  );
  expect(JSON.parse(out)).toEqual([
    JSON.parse(sampleJson("p02_ipv4_1flow_tcp")),
    null,
    JSON.parse(sampleJson("g01_listening_ports")),
  ]);
  expect(err).toBe("");
  expect(error).toBeInstanceOf(UserError);
});

it("decode: picket decode shows a message aligned", async () => {
  const { out } = await decode(fixture("p07_all_collectors"));
  expect(out.split("\n").slice(1, 5)).toEqual([
    "",
    "2023-11-14 22:15:43Z  NetworkActivity  over 10 s",
    "  protocol  local                 remote                      bytes in  bytes out  outbound",
    "  TCP       192.168.1.10:49172    10.20.20.21:443                    0          0  no",
  ]);
  expect(out.split("\n")[0]).toMatch(
    /Legacy message 2.3, agent defender-iot-micro-agent 3.5.4, 3 events$/,
  );
});

it("decode: picket decode shows no control characters of a message", async () => {
  const { out, error } = await decode(file("control.json", JSON.stringify(JSON1)));
  expect(error).toBeNull();
  expect(out).toContain("a\\u001b[31m\\u000ab\\u202ec");
  expect(out).toMatch(/^[\n -~]*$/);
});

it("decode: picket decode of damaged, missing and unfit files gives one line each", async () => {
  const cases: [string, RegExp][] = [
    [
      file("cut.bin", sample("p02_ipv4_1flow_tcp").slice(0, 150)),
      /no sound legacy message: .* \(byte \d+\)$/,
    ],
    [file("cut.json", '{"AgentVersion":\n"1'), /JSON: /],
    [file("cut.cbor", PICKET.slice(0, 20)), /byte 18/],
    [file("empty.bin", ""), /empty, not a security message$/],
    [
      file("large.bin", new Uint8Array(MESSAGE_BYTES_MAX + 1)),
      /longer than the 1048576 bytes that are read/,
    ],
    ["/dev/zero", /^\/dev\/zero: longer than the 1048576 bytes that are read/],
    [join(directory, "missing.bin"), /missing.bin: no such file$/],
    [directory, /is a folder: name a file$/],
    [join(directory, "a\nb"), /a\\u000ab: no such file$/],
  ];
  for (const [path, expected] of cases) {
    for (const option of [[], ["--json"]]) {
      const { out, err, error } = await decode(path, ...option);
      expect({ out, err }, path).toEqual({ out: "", err: "" });
      expect(error, path).toBeInstanceOf(UserError);
      const { message, exitCode } = error as UserError;
      expect(message).toMatch(expected);
      expect(message).not.toContain("\n");
      expect(exitCode).toBe(1);
    }
  }
});

it("decode: picket decode reports every bad file and shows the others", async () => {
  const [first, second] = [join(directory, "no-1"), join(directory, "no-2")];
  const { out, err, error } = await decode(first, fixture("s01_heartbeat_only"), second);
  expect(out).toContain("Heartbeat");
  expect(err).toBe(`picket: ${first}: no such file\n`);
  expect((error as UserError).message).toBe(`${second}: no such file`);
});

/** All that `picket decode` does with a message. */
function shownOrRefused(bytes: Uint8Array): void {
  for (const show of [showText, decodeToJson]) {
    try {
      for (const line of show(bytes).split("\n")) expect(line).toMatch(/^\P{Cc}*$/u);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      expect(error.message).toMatch(/^\P{Cc}+$/u);
    }
  }
}

function showText(bytes: Uint8Array): string {
  return renderMessage("file", decodeMessage(bytes)).join("\n");
}
