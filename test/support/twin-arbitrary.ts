/** Twin documents as bytes: valid, nearly valid and hostile. */
import fc from "fast-check";
import { TWIN_OBJECT, TWIN_PROPERTIES, type TwinProperty } from "../../wire/twin-properties.ts";

type Text = fc.Arbitrary<string>;

const hexadecimal = (code: number) => code.toString(16).padStart(4, "0");

/** A string as JSON, some of its characters escaped in one of the ways there are. */
function quoted(text: string): Text {
  return fc
    .array(fc.integer({ min: 0, max: 40 }), { minLength: text.length, maxLength: text.length })
    .map((choices) => {
      const write = (c: string, i: number) => {
        const code = c.charCodeAt(0);
        if (choices[i] === 1) return `\\u${hexadecimal(code)}`;
        if (choices[i] === 2) return `\\u${hexadecimal(code).toUpperCase()}`;
        return c === "/" && choices[i] === 3 ? "\\/" : JSON.stringify(c).slice(1, -1);
      };
      return `"${text.split("").map(write).join("")}"`;
    });
}

const digits = fc.stringMatching(/^[0-9]{1,4}$/);
const duration: Text = fc.oneof(
  fc.constantFrom("PT7M", "PT5H", "PT13H", "P1D", "P1W", "PT1H30M", "P1DT12H", "PT0S", "PT1S"),
  fc.constantFrom(
    "P",
    "PT",
    "P1WT1H",
    "P1DT",
    "PT1",
    "pt7m",
    "PT7m",
    "P1Y",
    "P1M",
    "PT1.5S",
    "-PT1S",
  ),
  fc.constantFrom(
    "P7D",
    "P7DT1S",
    "PT604800S",
    "PT604801S",
    "P0D",
    "P0DT0H0M0S",
    "PT05M",
    "P1H",
    "PT1D",
  ),
  fc.constantFrom(
    `PT${"0".repeat(28)}1S`,
    `PT${"0".repeat(29)}1S`,
    `PT${"9".repeat(29)}S`,
    ` PT1S`,
    "PT1S\n",
  ),
  fc
    .tuple(
      ...["W", "D", "T", "H", "M", "S"].map((u) => fc.tuple(fc.boolean(), digits, fc.constant(u))),
    )
    .map(
      (parts) => `P${parts.map(([is, n, u]) => (is ? (u === "T" ? "T" : n + u) : "")).join("")}`,
    ),
  fc.array(fc.constantFrom(..."PTWDHMS0123456789"), { maxLength: 34 }).map((c) => `P${c.join("")}`),
);

/** Half of the last place of 8192, beyond which the next number begins. */
const HALF = (2 ** -41).toFixed(41).slice(2);
const numbers: Text = fc.oneof(
  fc
    .constantFrom(8191, 8192, 8193, 262_143, 262_144, 262_145, 2 ** 31, 2 ** 32, 2 ** 53)
    .map(String),
  fc.constantFrom(
    "8192.0",
    "8.192e3",
    "81920e-1",
    "8.192E+3",
    "8192e0",
    "8192E-0",
    "1e5",
    "1e400",
    "-0",
    "-8192",
  ),
  fc.constantFrom(
    "8191.9999999999999999",
    "8191.999999999999",
    "8192.0000000000001",
    "8192.000000000001",
  ),
  fc.constantFrom(
    `8192.${HALF}`,
    `8192.${HALF}0`,
    `8192.${HALF}${"0".repeat(60)}1`,
    `8192.${HALF.slice(0, -1)}4`,
  ),
  fc.constantFrom(
    `8193.${HALF}`,
    `8193.${HALF}1`,
    "9007199254740993",
    "4503599627370496.5",
    "4503599627370495.5",
  ),
  fc.constantFrom(
    "4294967295.9999999",
    "4294967296.5",
    "9007199254740991.4",
    "9007199254740992.4",
    "1e16",
    "12e15",
  ),
  fc.constantFrom(
    "08192",
    "8192.",
    ".8192e4",
    "+8192",
    "8192e",
    "8192e+",
    "0x2000",
    "8_192",
    "Infinity",
    "NaN",
    "1e",
  ),
  fc.integer({ min: 0, max: 90 }).map((n) => `0.${"0".repeat(n)}8192e${n + 4}`),
  fc.integer({ min: 0, max: 90 }).map((n) => `16384${"0".repeat(n)}e-${n}`),
  fc.integer({ min: 0, max: 90 }).map((n) => `16384${"0".repeat(n)}.${"0".repeat(n)}1e-${n}`),
  fc.integer({ min: 0, max: 60 }).map((n) => `8191.${"9".repeat(n)}`),
  fc.integer({ min: 0, max: 60 }).map((n) => `65536.${"0".repeat(n)}1`),
  fc.double({ min: 0, max: 3e5, noNaN: true }).map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc
    .tuple(fc.integer({ min: 8000, max: 300_000 }), fc.integer({ min: 1, max: 99 }))
    .map(([n, d]) => {
      const exact = n + d * 2 ** -38; // Representable, or halfway between two that are.
      return exact.toFixed(50);
    }),
);

const words = fc.constantFrom(
  "High",
  "Low",
  "Off",
  "Medium",
  "True",
  "False",
  "high",
  "LOW",
  "",
  "Of",
  "Offf",
);
const minutes = fc.constantFrom(
  "7",
  "14",
  "30",
  "120",
  "1440",
  "1",
  "9999",
  "10000",
  "0",
  "07",
  "",
  "x",
);
const intervals: Text = fc.oneof(
  fc.constantFrom(
    "30,120,1440",
    "7,300,780",
    "7,7,7",
    "30,30,120",
    "120,30,1440",
    "30,120",
    "1,2,3,4",
    "30, 60,90",
  ),
  fc.array(minutes, { minLength: 2, maxLength: 4 }).map((list) => list.join(",")),
);

const scalar: Text = fc.oneof(
  fc.constantFrom(
    "null",
    "true",
    "false",
    "0",
    "1",
    '""',
    "[]",
    "{}",
    "nul",
    "True",
    "tru",
    "nulll",
    "[1,]",
    "{,}",
  ),
  numbers,
  duration.chain(quoted),
  words.chain(quoted),
  fc.string({ unit: "binary", maxLength: 80 }).map((text) => JSON.stringify(text)),
);

function valueText({ kind }: TwinProperty): Text {
  const good: Readonly<Record<string, Text>> = {
    duration: duration.chain(quoted),
    size: numbers,
    priority: words.chain(quoted),
    boolean: fc.constantFrom("true", "false"),
    disabled: fc.oneof(fc.constantFrom("true", "false"), words.chain(quoted)),
    frequency: words.chain(quoted),
    intervals: intervals.chain(quoted),
  };
  return fc.oneof(
    { arbitrary: good[kind] ?? scalar, weight: 12 },
    { arbitrary: scalar, weight: 1 },
  );
}

/** A value that is valid for sure, so that documents with many properties have a chance. */
function validText({ kind }: TwinProperty): Text {
  const good: Readonly<Record<string, readonly string[]>> = {
    duration: ['"PT7M"', '"PT5H"', '"PT13H"', '"P30D"', "null"],
    size: ["8192", "262144", "2e5", "16384.0", "null"],
    priority: ['"High"', '"Low"', '"Off"'],
    boolean: ["true", "false"],
    disabled: ["true", "false", '"True"', '"False"'],
    frequency: ['"High"', '"Low"', '"Medium"'],
    intervals: ['"7,300,600"', '"7,150,300"', '"30,120,1440"', '"7,8,9"'],
  };
  return fc.constantFrom(...(good[kind] ?? ["null"]));
}

const space: Text = fc.constantFrom("", "", "", "", " ", "\n", "\t\r ");
const junkKey: Text = fc.oneof(
  fc.constantFrom(
    "$version",
    "$metadata",
    "value",
    "desired",
    "__proto__",
    "constructor",
    "",
    "Login_",
    "eventPriority",
  ),
  fc.constantFrom(
    "x".repeat(62),
    "x".repeat(63),
    "é\u2028\u{1f600}",
    "eventPriorityLogi",
    "eventPriorityLoginn",
  ),
  fc.constantFrom(...TWIN_PROPERTIES.map(({ name }) => name)),
  fc.string({ unit: "binary", maxLength: 70 }),
);

type Entry = fc.Arbitrary<readonly [string, string]>;

function entry(name: string, value: Text): Entry {
  return fc.tuple(quoted(name), value);
}

function object(entry: Entry, maxLength: number): Text {
  return fc
    .tuple(fc.array(entry, { maxLength }), space)
    .map(
      ([entries, s]) => `{${s}${entries.map(([k, v]) => `${k}${s}:${s}${v}`).join(`${s},${s}`)}}`,
    );
}

const any: Text = fc.letrec<{ node: string }>((tie) => ({
  node: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    scalar,
    fc.array(tie("node"), { maxLength: 3 }).map((items) => `[${items.join(",")}]`),
    object(
      junkKey.chain((key) => entry(key, tie("node"))),
      3,
    ),
  ),
})).node;

const junk: Entry = junkKey.chain((key) => entry(key, any));

function content(value: (property: TwinProperty) => Text, junkWeight: number) {
  const settings = TWIN_PROPERTIES.filter(({ style }) => style === "object");
  const flat = TWIN_PROPERTIES.filter(({ style }) => style === "flat");
  const wrapper = (property: TwinProperty) =>
    fc.oneof(
      { arbitrary: value(property).map((text) => `{"value":${text}}`), weight: 20 },
      { arbitrary: object(fc.oneof(entry("value", value(property)), junk), 3), weight: junkWeight },
      { arbitrary: any, weight: Math.floor(junkWeight / 2) },
    );
  const setting: Entry = fc
    .constantFrom(...settings)
    .chain((property) => entry(property.name, wrapper(property)));
  const withJunk = (one: Entry, other: Entry) =>
    fc.oneof({ arbitrary: one, weight: 20 }, { arbitrary: other, weight: junkWeight });
  const settingsObject = fc.oneof(
    { arbitrary: object(withJunk(setting, junk), 8), weight: 20 },
    { arbitrary: any, weight: Math.floor(junkWeight / 2) },
  );
  const desiredEntry: Entry = fc.oneof(
    { arbitrary: entry(TWIN_OBJECT, settingsObject), weight: 6 },
    { arbitrary: fc.constantFrom(...flat).chain((p) => entry(p.name, value(p))), weight: 4 },
    { arbitrary: junk, weight: junkWeight },
  );
  return object(desiredEntry, 5);
}

const valid = content(validText, 0);
const near = content(valueText, 2);
const wild = content(valueText, 6);

/** Texts of `desired` alone. */
export const desiredText: Text = fc.oneof(valid, valid, near, wild);

const deep: Text = fc
  .tuple(
    fc.constantFrom(60, 61, 62, 63, 64, 65, 66, 5000),
    fc.constantFrom("[", '{"a":'),
    fc.boolean(),
  )
  .map(([depth, open, isClosed]) => {
    const close = (open === "[" ? "]" : "}").repeat(depth);
    return `{"desired":{"x":${open.repeat(depth)}1${isClosed ? close : ""}}}`;
  });

const wholeText: Text = fc.oneof(
  { arbitrary: desiredText.map((text) => `{"desired":${text}}`), weight: 20 },
  {
    arbitrary: object(
      fc.oneof(
        desiredText.chain((text) => entry("desired", fc.constant(text))),
        junk,
        entry("reported", any),
      ),
      3,
    ),
    weight: 4,
  },
  { arbitrary: any, weight: 1 },
  { arbitrary: deep, weight: 1 },
);

/** Byte sequences that are not UTF-8, and some at the edges that are. */
const oddBytes = fc.constantFrom(
  ...[
    "c080",
    "c1bf",
    "c280",
    "e08080",
    "e09fbf",
    "e0a080",
    "eda080",
    "ed9fbf",
    "eebfbf",
    "f0808080",
  ].map((h) => [...Buffer.from(h, "hex")]),
  ...[
    "f08fbfbf",
    "f0908080",
    "f48fbfbf",
    "f4908080",
    "f5808080",
    "80",
    "ff",
    "e282",
    "c2",
    "f09f98",
  ].map((h) => [...Buffer.from(h, "hex")]),
  ...["efbbbf", "00", "1f", "7f", "22", "5c", "7b", "7d", "2c"].map((h) => [
    ...Buffer.from(h, "hex"),
  ]),
);

function damage(document: Uint8Array): fc.Arbitrary<Uint8Array> {
  const at = fc.nat({ max: Math.max(document.length - 1, 0) });
  const splice = (from: number, to: number, bytes: readonly number[]) =>
    Uint8Array.from([...document.subarray(0, from), ...bytes, ...document.subarray(to)]);
  return fc.oneof(
    at.map((i) => document.subarray(0, i)),
    fc.tuple(at, oddBytes).map(([i, bytes]) => splice(i, i, bytes)),
    fc.tuple(at, oddBytes).map(([i, bytes]) => splice(i, i + 1, bytes)),
    fc.tuple(at, fc.nat(255)).map(([i, byte]) => splice(i, i + 1, [byte])),
    at.map((i) => splice(i, i + 1, [])),
    fc.tuple(at, at).map(([i, j]) => splice(i, i, [...document.subarray(i, j)])),
  );
}

/** Documents, a fifth of them damaged. */
export const twinDocument: fc.Arbitrary<Uint8Array> = wholeText
  .map((text) => new Uint8Array(Buffer.from(text)))
  .chain((document) =>
    fc.oneof(
      { arbitrary: fc.constant(document), weight: 4 },
      { arbitrary: damage(document), weight: 1 },
    ),
  );
