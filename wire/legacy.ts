/** Reads the messages of the legacy agent for Azure RTOS: FlatBuffers, schema 2.3. */
import {
  damaged,
  fieldAt,
  readRoot,
  stringField,
  type Table,
  tableField,
  tablesField,
} from "./flatbuffers.ts";
import { type LegacyEvent, type LegacyMessage, PAYLOAD_TYPES } from "./legacy-model.ts";
import { hex, PAYLOAD_READERS, required, u32 } from "./legacy-payloads.ts";

const UUID_BYTES = 16;

/**
 * One whole message, shaped as `legacy-model.ts` says.
 *
 * Union tags and enumeration values that schema 2.3 does not have are errors: the agents that
 * send this format are no longer changed, so such a value means damage.
 *
 * @throws WireError one line with the offset of the damage, bytes
 */
export function decodeLegacy(bytes: Uint8Array): LegacyMessage {
  const root = readRoot(bytes);
  const { view } = root.buffer;
  const timezone = fieldAt(root, 2, 1);
  return {
    security_module_id: required(
      stringField(root, 0, "security_module_id"),
      "security_module_id",
      root,
    ),
    security_module_version: u32(root, 1),
    timezone: timezone === 0 ? 0 : view.getInt8(timezone),
    events: required(tablesField(root, 3, "events", readEvent), "events", root),
  };
}

function readEvent(table: Table): LegacyEvent {
  const id = fieldAt(table, 0, UUID_BYTES);
  if (id === 0) damaged("id is missing from the event", table.at);
  const tagAt = fieldAt(table, 3, 1);
  const tag = tagAt === 0 ? 0 : (table.buffer.bytes[tagAt] ?? 0);
  const type = PAYLOAD_TYPES[tag];
  if (type === undefined) damaged(`payload_type: schema 2.3 has no payload ${tag}`, tagAt);
  if (type === "NONE") damaged("payload_type is missing from the event", table.at);
  const payload = required(tableField(table, 4, "payload"), "payload", table);
  return {
    id: hex(table.buffer.bytes.subarray(id, id + UUID_BYTES)),
    time: u32(table, 1),
    collection_interval: u32(table, 2),
    payload_type: type,
    payload: PAYLOAD_READERS[type](payload),
  } as LegacyEvent;
}
