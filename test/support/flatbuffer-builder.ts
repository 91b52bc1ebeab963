/**
 * Lays out FlatBuffers for tests, each vtable before its table (flatcc puts them last), nothing
 * shared unless the same node is referred to twice, no alignment. Written apart from the reader.
 */
export type Node = TableNode | VectorNode | TextNode | StructsNode;
export interface TableNode {
  readonly kind: "table";
  /** By field id; a node is referred to, bytes stand inline, null is absent. */
  readonly fields: readonly (Node | Uint8Array | null)[];
}
interface VectorNode {
  readonly kind: "vector";
  readonly nodes: readonly Node[];
}
interface TextNode {
  readonly kind: "text";
  readonly bytes: Uint8Array;
}
interface StructsNode {
  readonly kind: "structs";
  readonly count: number;
  readonly bytes: Uint8Array;
}

export function table(...fields: TableNode["fields"]): TableNode {
  return { kind: "table", fields };
}
export function vector(...nodes: Node[]): VectorNode {
  return { kind: "vector", nodes };
}
export function text(value: string | Uint8Array): TextNode {
  const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value;
  return { kind: "text", bytes };
}
export function structs(count: number, bytes: Uint8Array): StructsNode {
  return { kind: "structs", count, bytes };
}
/** `value` in `size` bytes, little-endian. */
export function inline(value: number | bigint, size: 1 | 2 | 4 | 8): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, BigInt(value), true);
  return bytes.slice(0, size);
}

/** The buffer, and where each node begins. A node comes after all that refer to it. */
export function build(root: TableNode): { bytes: Uint8Array; at: Map<Node, number> } {
  const out: number[] = [0, 0, 0, 0];
  const at = new Map<Node, number>();
  const references: [number, Node][] = [[0, root]];
  for (const node of ordered(root)) {
    if (node.kind === "table") putVtable(out, node);
    at.set(node, out.length);
    if (node.kind === "table") out.push(...inline(4 + 2 * node.fields.length, 4));
    if (node.kind === "vector") out.push(...inline(node.nodes.length, 4));
    if (node.kind === "text") out.push(...inline(node.bytes.length, 4), ...node.bytes, 0);
    if (node.kind === "structs") out.push(...inline(node.count, 4), ...node.bytes);
    for (const part of parts(node)) {
      if (part === null) continue;
      if (part instanceof Uint8Array) out.push(...part);
      else {
        references.push([out.length, part]);
        out.push(0, 0, 0, 0);
      }
    }
  }
  const bytes = Uint8Array.from(out);
  for (const [from, node] of references) bytes.set(inline((at.get(node) ?? 0) - from, 4), from);
  return { bytes, at };
}

function parts(node: Node): readonly (Node | Uint8Array | null)[] {
  if (node.kind === "table") return node.fields;
  return node.kind === "vector" ? node.nodes : [];
}

/** Reverse post-order: whatever refers to a node stands before it. */
function ordered(root: Node): Node[] {
  const done: Node[] = [];
  const seen = new Set<Node>();
  const walk = (node: Node): void => {
    if (seen.has(node)) return;
    seen.add(node);
    for (const part of parts(node)) {
      if (part !== null && !(part instanceof Uint8Array)) walk(part);
    }
    done.push(node);
  };
  walk(root);
  return done.reverse();
}

function putVtable(out: number[], node: TableNode): void {
  const sizes = node.fields.map((part) => {
    if (part === null) return 0;
    return part instanceof Uint8Array ? part.length : 4;
  });
  const total = sizes.reduce((sum, size) => sum + size, 4);
  out.push(...inline(4 + 2 * sizes.length, 2), ...inline(total, 2));
  let offset = 4;
  for (const size of sizes) {
    out.push(...inline(size === 0 ? 0 : offset, 2));
    offset += size;
  }
}

/** A message of one event with this payload. */
export function message(tag: number, payload: TableNode): TableNode {
  return table(text("agent"), inline(0x0305_0004, 4), null, vector(event(tag, payload)));
}

export function event(tag: number, payload: TableNode | null): TableNode {
  const id = Uint8Array.from({ length: 16 }, (_, i) => i + 1);
  return table(id, inline(1_700_000_000, 4), inline(60, 4), inline(tag, 1), payload);
}

/** An IPv4 flow of 10.0.0.`local` with 10.0.1.1. */
export function flow(local: number, common: TableNode): TableNode {
  return table(Uint8Array.from([10, 0, 0, local, 10, 0, 1, 1]), common);
}
