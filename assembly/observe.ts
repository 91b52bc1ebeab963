/** Takes what the board observes, and makes events of it. Records are checked, not trusted. */
import { E_BAD_RECORD, OK } from "./abi";
import { aggregate } from "./aggregate";
import { writeBytes, writeMap, writeSigned, writeUnsigned } from "./cbor";
import { aggregationS, PRIORITY_OFF, priorityOf } from "./config";
import { begin, commit, writeTime } from "./event";
import { Aggregate } from "./layout";
import {
  AGGREGATED_FIRST,
  AGGREGATED_HITS,
  AGGREGATED_LAST,
  CAUSE_OBSERVATION_REFUSED,
  KIND_CONNECTED_HARDWARE,
  KIND_CONNECTION_CREATE,
  KIND_DIAGNOSTIC,
  KIND_FIREWALL_CONFIGURATION,
  KIND_LISTENING_PORTS,
  KIND_LOCAL_USERS,
  KIND_LOGIN,
  KIND_OS_BASELINE,
  KIND_PROCESS_CREATE,
  KIND_PROCESS_TERMINATE,
  KIND_SNAPSHOT_EMPTY,
  KIND_SYSTEM_INFORMATION,
} from "./message";
import * as options from "./options";
import { fields, RECORD_KIND_MAX, RECORD_KIND_MIN, SNAPSHOT_KINDS, sizes, starts } from "./records";
import { lose, state } from "./state";

/** Kind, then zero. */
const RECORD_HEAD: u32 = 4;

// Codes in `fields`: 0 to 3 integers, then address, texts by their length, choices by their last.
const CODE_U8: u32 = 0;
const CODE_U16: u32 = 1;
const CODE_U32: u32 = 2;
const CODE_I32: u32 = 3;
const CODE_ADDRESS: u32 = 4;
const CODE_TEXT: u32 = 8;
const CODE_CHOICE: u32 = 0xe0;
const ADDRESS_BYTES: u32 = 17;
/** No count of fields, and no length. */
const NOT_SOUND: u32 = 0xffffffff;

/** Bit n: events of kind n are built in. */
export const COLLECTED_KINDS: u32 =
  (options.COLLECT_CONNECTION_CREATE << KIND_CONNECTION_CREATE) |
  (options.COLLECT_PROCESS << KIND_PROCESS_CREATE) |
  (options.COLLECT_PROCESS << KIND_PROCESS_TERMINATE) |
  (options.COLLECT_LOGIN << KIND_LOGIN) |
  (options.COLLECT_DIAGNOSTIC << KIND_DIAGNOSTIC) |
  (options.COLLECT_LISTENING_PORTS << KIND_LISTENING_PORTS) |
  (options.COLLECT_LOCAL_USERS << KIND_LOCAL_USERS) |
  (options.COLLECT_FIREWALL << KIND_FIREWALL_CONFIGURATION) |
  (options.COLLECT_HARDWARE << KIND_CONNECTED_HARDWARE) |
  (options.COLLECT_BASELINE << KIND_OS_BASELINE) |
  (options.COLLECT_SYSTEM_INFORMATION << KIND_SYSTEM_INFORMATION);

/**
 * Takes one record, or the end of a snapshot: a record's head alone.
 *
 * @returns OK, or E_BAD_RECORD (counted)
 */
export function takeRecord(record: usize, bytes: u32): i32 {
  const kind = <u32>load<u16>(record);
  if (kind < RECORD_KIND_MIN || kind > RECORD_KIND_MAX || load<u16>(record, 2)) return refuse();
  if ((COLLECTED_KINDS >> kind) & 1) {
    const isEnd = bytes === RECORD_HEAD && (SNAPSHOT_KINDS >> kind) & 1;
    if (isEnd) return endSnapshot(kind);
    if (bytes !== <u32>load<u8>(kind - RECORD_KIND_MIN, sizes)) return refuse();
    if (writeFields(0, kind, record) === NOT_SOUND) return refuse();
    const priority = priorityOf(kind);
    if (priority === PRIORITY_OFF) return OK;
    if (options.AGGREGATION_SLOTS && aggregationS(kind)) aggregate(kind, record, bytes);
    else writeRecord(priority, kind, record, null);
    state.snapshot_items |= 1 << kind;
    return OK;
  }
  return OK;
}

function refuse(): i32 {
  lose(CAUSE_OBSERVATION_REFUSED);
  return E_BAD_RECORD;
}

/** A snapshot without items is told by an event of its own. */
function endSnapshot(kind: u32): i32 {
  const priority = priorityOf(kind);
  if (priority !== PRIORITY_OFF && ((state.snapshot_items >> kind) & 1) === 0) {
    commit(priority, writeUnsigned(begin(KIND_SNAPSHOT_EMPTY, 0, 1), kind));
  }
  state.snapshot_items &= ~(1 << kind);
  return OK;
}

function width(code: u32): u32 {
  if (code >= CODE_CHOICE || code === CODE_U8) return 1;
  if (code >= CODE_TEXT) return code - CODE_TEXT;
  if (code === CODE_ADDRESS) return ADDRESS_BYTES;
  return code === CODE_U16 ? 2 : 4;
}

function aligned(at: usize, code: u32): usize {
  if (code === CODE_U16) return (at + 1) & ~1;
  return code === CODE_U32 || code === CODE_I32 ? (at + 3) & ~3 : at;
}

/** Makes an event of a record; of an aggregate, when there is one, with its hits and times. */
export function writeRecord(
  priority: u32,
  kind: u32,
  record: usize,
  aggregate: Aggregate | null,
): void {
  let at = begin(kind, 0, 1);
  at = writeMap(at, writeFields(0, kind, record) + (aggregate === null ? 0 : 3));
  at += writeFields(at, kind, record);
  if (aggregate !== null) {
    at = writeUnsigned(at, AGGREGATED_HITS);
    at = writeUnsigned(at, aggregate.hits);
    at = writeUnsigned(at, AGGREGATED_FIRST);
    at = writeTime(at, aggregate.first_wall_s, aggregate.first_uptime_s);
    at = writeUnsigned(at, AGGREGATED_LAST);
    at = writeTime(at, aggregate.last_wall_s, aggregate.last_uptime_s);
  }
  commit(priority, at);
}

/**
 * Writes the fields that are neither 0 nor empty. Texts may hold any bytes.
 *
 * @param to where; 0: only count
 * @returns how many when counting, else the bytes written; NOT_SOUND when a choice is out of range
 *   or an address of no possible length
 */
function writeFields(to: usize, kind: u32, record: usize): u32 {
  let from = record + RECORD_HEAD;
  let at = to;
  let count: u32 = 0;
  const end = <u32>load<u8>(kind - RECORD_KIND_MIN + 1, starts);
  let field = <u32>load<u8>(kind - RECORD_KIND_MIN, starts);
  for (let key: u32 = 1; field < end; key++) {
    const code = <u32>load<u8>(field, fields);
    from = aligned(from, code);
    let number: u32 = 0;
    let length: u32 = 0;
    let text = from;
    if (code === CODE_U16) number = load<u16>(from);
    else if (code === CODE_U32 || code === CODE_I32) number = load<u32>(from);
    else if (code === CODE_U8 || code >= CODE_CHOICE) {
      number = load<u8>(from);
      if (code >= CODE_CHOICE && number > code - CODE_CHOICE) return NOT_SOUND;
    } else if (code === CODE_ADDRESS) {
      length = load<u8>(from);
      text += 1;
      if (length !== 0 && length !== 4 && length !== 16) return NOT_SOUND;
    } else {
      while (length < code - CODE_TEXT && load<u8>(from + length)) length++;
    }
    if (number | length) {
      count += 1;
      if (to) {
        at = writeUnsigned(at, key);
        if (length) at = writeBytes(at, text, length);
        else if (code === CODE_I32) at = writeSigned(at, number);
        else at = writeUnsigned(at, number);
      }
    }
    from += width(code);
    field += 1;
  }
  return to ? <u32>(at - to) : count;
}
