/** What a board profile holds: the one table; type, JSON Schema and checks come from it. */

interface Field {
  readonly doc: string;
  readonly kind: "text" | "number" | "address" | "choice";
  readonly unit?: string;
  readonly min?: number;
  readonly max?: number;
  readonly choices?: readonly string[];
  /** A figure that somebody measured or decided: the profile says where it stands. */
  readonly isSourced?: true;
}

type Table = Readonly<Record<string, Field>>;

const GIB = 2 ** 30;

function interval(of: string): string {
  return `interval of ${of} until the module twin says otherwise; 0: the documented default`;
}

/** Architectures that a board may have; the first four are built by arm-none-eabi-gcc. */
export const CPUS = ["cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33", "rxv2"] as const;
export const BACKENDS = ["wasm3", "aot"] as const;
/** One for the program, two for core modules (only one is in use), one for undelivered events. */
export const PARTITIONS = ["firmware", "core_a", "core_b", "store"] as const;

export const BOARD_FIELDS = {
  title: { doc: "the board's name in print", kind: "text" },
  guide: { doc: "where the ThreadX getting-started guide or QEMU has it", kind: "text" },
  mcu: { doc: "microcontroller, as ordered", kind: "text", isSourced: true },
  cpu: { doc: "architecture", kind: "choice", choices: CPUS, isSourced: true },
  clock_hz: {
    doc: "highest clock",
    unit: "Hz",
    kind: "number",
    min: 1_000_000,
    max: 2_000_000_000,
    isSourced: true,
  },
  flash_bytes: {
    doc: "flash that the program runs from",
    unit: "B",
    kind: "number",
    min: 65_536,
    max: GIB,
    isSourced: true,
  },
  ram_bytes: {
    doc: "RAM on the chip",
    unit: "B",
    kind: "number",
    min: 16_384,
    max: GIB,
    isSourced: true,
  },
  agent_flash_bytes: {
    doc: "flash left for the agent: its code and one core module",
    unit: "B",
    kind: "number",
    min: 1,
    max: GIB,
    isSourced: true,
  },
  agent_ram_bytes: {
    doc: "RAM left for the agent: its data, linear memory, heap and its thread's stack",
    unit: "B",
    kind: "number",
    min: 1,
    max: GIB,
    isSourced: true,
  },
  backend: { doc: "how the core runs", kind: "choice", choices: BACKENDS },
  store_sector_bytes: {
    doc: "what the store takes for one sector: whole sectors of its memory, erased together",
    unit: "B",
    kind: "number",
    min: 1024,
    max: 1_048_576,
  },
  high_interval_s: { doc: interval("High"), unit: "s", kind: "number", min: 0, max: 86_400 },
  low_interval_s: { doc: interval("Low"), unit: "s", kind: "number", min: 0, max: 86_400 },
  snapshot_interval_s: {
    doc: interval("snapshots"),
    unit: "s",
    kind: "number",
    min: 0,
    max: 604_800,
  },
} as const satisfies Table;

/** A flash memory. */
export const MEMORY_FIELDS = {
  origin: { doc: "address of its first byte", kind: "address", isSourced: true },
  program_bytes: {
    doc: "smallest unit that is programmed at once",
    unit: "B",
    kind: "number",
    min: 1,
    max: 4096,
    isSourced: true,
  },
} as const satisfies Table;

/** A run of sectors of equal size. */
export const SECTOR_FIELDS = {
  bytes: { doc: "smallest unit that is erased at once", kind: "number", min: 1, max: GIB },
  count: { doc: "how many follow each other", kind: "number", min: 1, max: 2 ** 20 },
} as const satisfies Table;

export const PARTITION_FIELDS = {
  memory: { doc: "name of the flash memory", kind: "text" },
  offset: { doc: "from the memory's first byte", unit: "B", kind: "number", min: 0, max: GIB },
  bytes: { doc: "size", unit: "B", kind: "number", min: 1, max: GIB },
} as const satisfies Table;

type ValueOf<F extends Field> = F["kind"] extends "number"
  ? number
  : F extends { readonly choices: readonly (infer C)[] }
    ? C
    : string;
type RecordOf<T extends Table> = { readonly [K in keyof T]: ValueOf<T[K]> };

export type Partition = RecordOf<typeof PARTITION_FIELDS>;
export type PartitionName = (typeof PARTITIONS)[number];
export type Cpu = (typeof CPUS)[number];
export type BackendName = (typeof BACKENDS)[number];
export type Sectors = RecordOf<typeof SECTOR_FIELDS>;
export type Memory = RecordOf<typeof MEMORY_FIELDS> & { readonly sectors: readonly Sectors[] };

/** A board, as `boards/profiles/<name>.json` has it. */
export type BoardProfile = RecordOf<typeof BOARD_FIELDS> & {
  readonly name: string;
  readonly memories: Readonly<Record<string, Memory>>;
  readonly partitions: Readonly<Record<PartitionName, Partition>>;
  /** Options of the core (boards/options.ts) that differ from their defaults. */
  readonly options: Readonly<Record<string, number>>;
  /** What a user of the board should know. */
  readonly notes: readonly string[];
  /** Where each figure stands: path of the field to document and section. */
  readonly sources: Readonly<Record<string, string>>;
};

function fieldSchema(field: Field): object {
  const description = field.unit === undefined ? field.doc : `${field.doc}, ${field.unit}`;
  if (field.kind === "number") {
    return { description, type: "integer", minimum: field.min, maximum: field.max };
  }
  if (field.kind === "address") {
    return { description, type: "string", pattern: "^0x[0-9a-f]{8}$" };
  }
  if (field.choices !== undefined) return { description, enum: field.choices };
  return { description, type: "string", minLength: 1, maxLength: 200 };
}

function tableSchema(table: Table, more: Readonly<Record<string, object>> = {}): object {
  const properties = { ...more };
  for (const [name, field] of Object.entries(table)) properties[name] = fieldSchema(field);
  return {
    type: "object",
    additionalProperties: false,
    required: Object.keys(properties),
    properties,
  };
}

function mapOf(value: object, most: number): object {
  return { type: "object", minProperties: 1, maxProperties: most, additionalProperties: value };
}

/** JSON Schema of a profile without its options, which boards/options.ts checks. */
export const PROFILE_SCHEMA = tableSchema(BOARD_FIELDS, {
  name: { type: "string", pattern: "^[a-z0-9]+(-[a-z0-9]+)*$", maxLength: 60 },
  memories: mapOf(
    tableSchema(MEMORY_FIELDS, {
      sectors: { type: "array", minItems: 1, maxItems: 16, items: tableSchema(SECTOR_FIELDS) },
    }),
    4,
  ),
  partitions: {
    type: "object",
    additionalProperties: false,
    required: PARTITIONS,
    properties: Object.fromEntries(
      PARTITIONS.map((name) => [name, tableSchema(PARTITION_FIELDS)] as const),
    ),
  },
  options: { type: "object", maxProperties: 200, additionalProperties: { type: "integer" } },
  notes: { type: "array", maxItems: 8, items: { type: "string", maxLength: 500 } },
  sources: mapOf({ type: "string", minLength: 8, maxLength: 400 }, 60),
});

/** Paths of the figures that a profile has to give a source for. */
export function sourcedPaths(profile: BoardProfile): string[] {
  const paths = sourcedIn(BOARD_FIELDS).map((name) => name);
  for (const memory of Object.keys(profile.memories)) {
    for (const name of [...sourcedIn(MEMORY_FIELDS), "sectors"]) {
      paths.push(`memories.${memory}.${name}`);
    }
  }
  return [...paths, "partitions"];
}

function sourcedIn(table: Table): string[] {
  return Object.entries(table)
    .filter(([, field]) => field.isSourced)
    .map(([name]) => name);
}
