/** What a board tells its agent, in C: a struct for each table of `wire/observations.ts`. */
import {
  type FieldPlace,
  OBSERVATIONS,
  type ObservedName,
  recordLayout,
} from "../../host/observations.ts";

/** `ListeningPorts` as listening_ports, `OSBaseline` as os_baseline. */
function snake(name: string): string {
  return name
    .replace(/([A-Z]+)([A-Z][a-z])/g, "$1_$2")
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .toLowerCase();
}

function renderField({ name, field, bytes }: FieldPlace): string {
  const c = snake(name);
  switch (field.type) {
    case "u16":
      return `  uint16_t ${c};`;
    case "u32":
      return `  uint32_t ${c};`;
    case "i32":
      return `  int32_t ${c};`;
    case "address":
      return `  picket_address_t ${c};`;
    case "text":
      return `  char ${c}[${bytes}]; /* UTF-8, filled up with zeros */`;
    case "choice":
      return `  uint8_t ${c}; /* ${field.values.map((value, i) => `${i} ${value || "none"}`).join(", ")} */`;
    default:
      return `  uint8_t ${c};`;
  }
}

function renderRecord(name: ObservedName): string {
  const { places, bytes } = recordLayout(name);
  const type = `picket_${snake(name)}_t`;
  const constant = `PICKET_KIND_${snake(name).toUpperCase()}`;
  const last = places.at(-1);
  const end = last === undefined ? 4 : last.at + last.bytes;
  const padding = bytes > end ? [`  uint8_t zero_at_end[${bytes - end}];`] : [];
  const checks = places.map(
    (place) => `PICKET_RECORD_CHECK(offsetof(${type}, ${snake(place.name)}) == ${place.at}u);`,
  );
  return `#define ${constant} ${OBSERVATIONS[name].kind}u
typedef struct {
  uint16_t kind; /* ${constant} */
  uint16_t zero;
${[...places.map(renderField), ...padding].join("\n")}
} ${type};
PICKET_RECORD_CHECK(sizeof(${type}) == ${bytes}u);
${checks.join("\n")}
`;
}

/** The part of `picket_abi.h` that describes records. */
export function renderRecords(): string {
  const records = (Object.keys(OBSERVATIONS) as ObservedName[]).map(renderRecord);
  return `/* Records for picket_observe, from wire/observations.ts; absent fields are 0. */
#if defined(__cplusplus)
#define PICKET_RECORD_CHECK(condition) static_assert(condition, "layout of a record")
#else
#define PICKET_RECORD_CHECK(condition) _Static_assert(condition, "layout of a record")
#endif

/* IPv4 or IPv6, network byte order; length 0: none. */
typedef struct {
  uint8_t length; /* 0, 4 or 16 */
  uint8_t bytes[16];
} picket_address_t;

${records.join("\n")}`;
}
