/**
 * The settings of the agent that Picket replaces (its asc_config.h, 3.5.4), and what each becomes:
 * facts about names and defaults, from measurement and documentation.
 */

export type Knob =
  /** A number becomes an option, within the option's range. */
  | { readonly kind: "number"; readonly option: string }
  /** Defined or not becomes 1 or 0. */
  | { readonly kind: "flag"; readonly option: string }
  /** Seconds, given to the agent at its start and changed by the module twin. */
  | { readonly kind: "interval"; readonly field: IntervalField }
  /** Picket does this, always or in another way. */
  | { readonly kind: "covered"; readonly how: string }
  /** Picket has nothing like it. */
  | { readonly kind: "none"; readonly why: string };

export type IntervalField = "high_interval_s" | "low_interval_s";

const number = (option: string): Knob => ({ kind: "number", option });
const flag = (option: string): Knob => ({ kind: "flag", option });
const interval = (field: IntervalField): Knob => ({ kind: "interval", field });
const covered = (how: string): Knob => ({ kind: "covered", how });
const none = (why: string): Knob => ({ kind: "none", why });

const NO_PLUGINS = "collectors are chosen when the core is built, none is loaded at run time";
const NO_HEAP = "the core has no heap: all memory is static";
const FLATBUFFERS = "messages are CBOR, written in place: no FlatBuffers builder";
const LOG = "the core logs nothing; what it loses is counted and reported";
const TIMERS = "the schedule needs no pool of timers";
const NETWORK = "ASC_COLLECTOR_NETWORK_ACTIVITY_";

const KNOBS: Readonly<Record<string, Knob>> = {
  ASC_SECURITY_MODULE_ID: covered("an agent id of 8 random bytes, given at start"),
  ASC_SECURITY_MODULE_PENDING_TIME: covered("undelivered events wait in the store, without limit"),
  ASC_SECURITY_MODULE_SEND_MESSAGE_RETRY_TIME: covered("a failed message is offered again"),
  ASC_SECURITY_MODULE_MAX_HUB_DEVICES: covered("one agent watches every NX_IP of the device"),
  ASC_DYNAMIC_COLLECTORS_MAX: none(NO_PLUGINS),
  ASC_DYNAMIC_FACTORY_ENABLED: none(NO_PLUGINS),
  ASC_DYNAMIC_FACTORY_PATH: none(NO_PLUGINS),
  ASC_DYNAMIC_FACTORY_PATH_RUNTIME_SET: none(NO_PLUGINS),
  ASC_DYNAMIC_COMPONENTS_MAX: none(NO_PLUGINS),
  ASC_COLLECTOR_HEARTBEAT_ENABLED: covered("the heartbeat is always there; Off in the twin"),
  ASC_COLLECTOR_BASELINE_ENABLED: flag("COLLECT_BASELINE"),
  ASC_BASELINE_REPORT_POOL_ENTRIES: covered("results wait in the store (STORE_BYTES)"),
  ASC_COLLECTOR_LOG_ENABLED: flag("COLLECT_DIAGNOSTIC"),
  ASC_LOG_REPORT_POOL_ENTRIES: covered("diagnostics wait in the store (STORE_BYTES)"),
  ASC_COLLECTOR_NETWORK_ACTIVITY_ENABLED: covered("flows are always tracked; Off in the twin"),
  [`${NETWORK}SEND_EMPTY_EVENTS`]: none("intervals without traffic send nothing"),
  [`${NETWORK}MAX_IPV4_OBJECTS_IN_CACHE`]: number("FLOW_SLOTS_IPV4"),
  [`${NETWORK}MAX_IPV6_OBJECTS_IN_CACHE`]: number("FLOW_SLOTS_IPV6"),
  [`${NETWORK}TCP_DISABLED`]: none("protocols are not left out one by one"),
  [`${NETWORK}UDP_DISABLED`]: none("protocols are not left out one by one"),
  [`${NETWORK}ICMP_DISABLED`]: none("protocols are not left out one by one"),
  [`${NETWORK}CAPTURE_UNICAST_ONLY`]: none("all packets that the stack handles are counted"),
  ASC_COLLECTOR_PROCESS_ENABLED: flag("COLLECT_PROCESS"),
  ASC_COLLECTOR_PROCESS_SEND_EMPTY_EVENTS: none("intervals without threads send nothing"),
  ASC_COLLECTOR_SYSTEM_INFORMATION_ENABLED: flag("COLLECT_SYSTEM_INFORMATION"),
  ASC_COLLECTOR_LISTENING_PORTS_ENABLED: flag("COLLECT_LISTENING_PORTS"),
  ASC_COMPONENT_COMMAND_EXECUTOR: none("there are no remote commands"),
  ASC_OPERATIONS_POOL_ENTRIES: none("there are no remote commands"),
  ASC_COMPONENT_CONFIGURATION: flag("TWIN"),
  ASC_COMPONENT_CONFIGURATION_PLAT: none("the core itself reads the twin"),
  ASC_COMPONENT_SECURITY_MODULE: covered("the core is the module"),
  ASC_COMPONENT_CORE_SUPPORTS_RESTART: covered("the core restarts from its start record"),
  ASC_COLLECTORS_INFO_SUPPORT: none("the build id names the collectors that are built in"),
  ASC_LINKED_LIST_NODE_SUPPORT: none(NO_HEAP),
  ASC_FIRST_COLLECTION_INTERVAL: covered("the first collection is spread over an interval"),
  ASC_FIRST_FORCE_COLLECTION_INTERVAL: none("`flush` collects at once"),
  ASC_HIGH_PRIORITY_INTERVAL: interval("high_interval_s"),
  ASC_MEDIUM_PRIORITY_INTERVAL: none("there are two priorities, High and Low"),
  ASC_LOW_PRIORITY_INTERVAL: interval("low_interval_s"),
  ASC_DYNAMIC_MEMORY_ENABLED: none(NO_HEAP),
  ASC_LOG_LEVEL: none(LOG),
  ASC_LOG_TIMESTAMP_DEFAULT: none(LOG),
  ASC_TIME_H_SUPPORT: covered("clocks are in the port table"),
  ASC_NOTIFIERS_OBJECT_POOL_ENTRIES: none("parts of the core call each other directly"),
  ASC_BEST_EFFORT_EVENT_LOOP: covered("the agent has a thread of its own"),
  ASC_BE_TIMERS_OBJECT_POOL_ENTRIES: none(TIMERS),
  ASC_SERIALIZER_USE_CUSTOM_ALLOCATOR: none(FLATBUFFERS),
  ASC_FLATCC_JSON_PRINTER_OVERWRITE: none(FLATBUFFERS),
  ASC_EMITTER_PAGE_CACHE_SIZE: none(FLATBUFFERS),
};

/** Families of settings whose members all mean the same to us. */
const FAMILIES: readonly (readonly [RegExp, Knob])[] = [
  [/^(ASC_)?SECURITY_MODULE_.*(VERSION|MAJOR|MINOR|PATCH)/, covered("the build id names the core")],
  [/^ASC_COLLECTOR_PROCESS_.*IN_CACHE$/, covered("thread events wait in the store (STORE_BYTES)")],
  [/^ASC_EXTRA_/, none("room for parts that an application adds: none are added")],
  [/^FLATCC_/, none(FLATBUFFERS)],
];

/** Names that only the retired agent's header has. */
const OWN_NAME = /^(ASC|FLATCC|SECURITY_MODULE)_/;
/** Include guards have no meaning of their own. */
const GUARD = /(_H|_H_|__)$/;

/** What a setting becomes; "unknown" for one of that agent's that we do not know. */
export function knobOf(name: string): Knob | "unknown" | undefined {
  if (Object.hasOwn(KNOBS, name)) return KNOBS[name];
  if (!OWN_NAME.test(name) || GUARD.test(name)) return undefined;
  return FAMILIES.find(([pattern]) => pattern.test(name))?.[1] ?? "unknown";
}

/** Settings that choose a collector: left out means off. */
export const FLAG_KNOBS = Object.keys(KNOBS).filter((name) => KNOBS[name]?.kind === "flag");
