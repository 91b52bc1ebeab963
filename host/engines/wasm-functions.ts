/**
 * What each function of a module needs: locals, operands, callees. For valid modules of integers,
 * sign extension and bulk memory, as cores are. Source: WebAssembly Core Specification 5.4 and 5.5.
 */

export interface Signature {
  readonly parameters: number;
  readonly results: number;
  /** Whether any of them is 64 bits wide. */
  readonly isWide: boolean;
}

/** One function with a body. */
export interface WasmFunction extends Signature {
  /** Local variables beside the parameters. */
  readonly locals: number;
  /** Most values that wait on the operand stack. */
  readonly operands: number;
  /** The bytes after the declaration of the locals. */
  readonly body: Uint8Array;
  /** Indices of the functions that it calls; undefined stands for a call through a table. */
  readonly callees: ReadonlySet<number | undefined>;
}

export interface WasmFunctions {
  /** The first indices are theirs. */
  readonly imported: readonly Signature[];
  readonly functions: readonly WasmFunction[];
}

const SECTION = { type: 1, import: 2, function: 3, code: 10 } as const;
const HEAD_BYTES = 8;
const WIDE = new Set([0x7e, 0x7c]);
const BLOCK_EMPTY = 0x40;
const VALUE_TYPE_FIRST = 0x7c;
const VALUE_TYPE_LAST = 0x7f;
const IMPORT_FUNCTION = 0;

type Reader = ReturnType<typeof createReader>;

function createReader(bytes: Uint8Array, from: number, to: number) {
  let at = from;
  const byte = (): number => {
    if (at >= Math.min(to, bytes.length)) throw new Error("wasm: the module is cut off");
    return bytes[at++] as number;
  };
  /** LEB128, unsigned; also skips a signed one. */
  const number = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const next = byte();
      value += (next & 0x7f) * factor;
      if (next < 0x80) return value;
    }
  };
  return {
    byte,
    number,
    skip: (count: number) => {
      at += count;
    },
    rest: () => bytes.subarray(at, to),
    position: () => at,
    isAtEnd: () => at >= to,
    part: (length: number) => {
      at += length;
      return createReader(bytes, at - length, at);
    },
  };
}

const list = <T>(reader: Reader, read: () => T): T[] =>
  Array.from({ length: reader.number() }, read);

function readSignature(reader: Reader): Signature {
  reader.byte(); // the form: a function
  const parameters = list(reader, reader.byte);
  const results = list(reader, reader.byte);
  return {
    parameters: parameters.length,
    results: results.length,
    isWide: [...parameters, ...results].some((type) => WIDE.has(type)),
  };
}

/** Adds the function's signature; other imports are passed over. */
function readImport(reader: Reader, types: readonly Signature[], found: Signature[]): void {
  reader.skip(reader.number());
  reader.skip(reader.number());
  const kind = reader.byte();
  if (kind === IMPORT_FUNCTION) found.push(types[reader.number()] as Signature);
  else throw new Error(`wasm: an import of kind ${kind} is not supported`);
}

/** Values that plain instructions leave, less those they take: first opcode, last, change. */
const CHANGES: readonly (readonly [number, number, number])[] = [
  [0x01, 0x01, 0], // nop
  [0x1a, 0x1a, -1], // drop
  [0x1b, 0x1b, -2], // select
  [0x45, 0x45, 0], // i32.eqz
  [0x46, 0x4f, -1], // i32 comparisons
  [0x50, 0x50, 0], // i64.eqz
  [0x51, 0x5a, -1], // i64 comparisons
  [0x67, 0x69, 0], // i32 clz, ctz, popcnt
  [0x6a, 0x78, -1], // i32 arithmetic
  [0x79, 0x7b, 0], // i64 clz, ctz, popcnt
  [0x7c, 0x8a, -1], // i64 arithmetic
  [0xa7, 0xa7, 0], // i32.wrap_i64
  [0xac, 0xad, 0], // i64.extend_i32
  [0xc0, 0xc4, 0], // sign extension
];

/** The same for instructions with numbers in the code: how many of them, change. */
const NUMBERED: Readonly<Record<number, readonly [number, number]>> = {
  13: [1, -1], // br_if
  32: [1, 1], // local.get
  33: [1, -1],
  34: [1, 0], // local.tee
  35: [1, 1], // global.get
  36: [1, -1],
  63: [1, 1], // memory.size
  64: [1, 0],
  65: [1, 1], // i32.const
  66: [1, 1],
};

const LOAD_FIRST = 0x28;
const LOAD_LAST = 0x35;
const STORE_LAST = 0x3e;
/** Where values of 64 bits come from, beside locals and calls: constants, extensions, globals. */
const WIDE_SOURCES = new Set([0x23, 0x42, 0xac, 0xad]);

function isWideSource(code: number): boolean {
  return WIDE_SOURCES.has(code) || code === 0x29 || (code >= 0x30 && code <= LOAD_LAST);
}

function changeOf(code: number, reader: Reader): number {
  const numbered = NUMBERED[code];
  if (numbered !== undefined) {
    reader.number();
    return numbered[1];
  }
  if (code >= LOAD_FIRST && code <= STORE_LAST) {
    reader.number();
    reader.number();
    return code > LOAD_LAST ? -2 : 0;
  }
  if (code === 0xfc) {
    const bulk = reader.number();
    if (bulk !== 10 && bulk !== 11) throw new Error(`wasm: opcode 0xfc ${bulk} is not supported`);
    reader.skip(bulk === 10 ? 2 : 1); // memory.copy, memory.fill
    return -3;
  }
  const plain = CHANGES.find(([first, last]) => code >= first && code <= last);
  if (plain === undefined) throw new Error(`wasm: opcode 0x${code.toString(16)} is not supported`);
  return plain[2];
}

/** Follows how many operands wait. */
function createOperands() {
  const blocks: { readonly height: number; readonly results: number }[] = [];
  let height = 0;
  let most = 0;
  const floor = () => blocks.at(-1)?.height ?? 0;
  function change(by: number): void {
    // After a branch what follows is dead, and takes values that are not there.
    height = Math.max(floor(), height + by);
    most = Math.max(most, height);
  }
  return {
    change,
    begin(type: number): void {
      if (type !== BLOCK_EMPTY && (type < VALUE_TYPE_FIRST || type > VALUE_TYPE_LAST))
        throw new Error("wasm: blocks of several values are not supported");
      blocks.push({ height, results: type === BLOCK_EMPTY ? 0 : 1 });
    },
    /** After a branch, and between the two arms of an if. */
    restart: (): void => {
      height = floor();
    },
    end(): void {
      const block = blocks.pop();
      if (block !== undefined) height = block.height;
      change(block?.results ?? 0);
    },
    most: () => most,
  };
}

interface Context {
  readonly types: readonly Signature[];
  readonly signatures: readonly Signature[];
}

function walk(reader: Reader, { types, signatures }: Context) {
  const callees = new Set<number | undefined>();
  const operands = createOperands();
  let isWide = false;

  function call(callee: number | undefined, signature: Signature): void {
    callees.add(callee);
    isWide ||= signature.isWide;
    operands.change(-signature.parameters);
    operands.change(signature.results);
  }

  while (!reader.isAtEnd()) {
    const code = reader.byte();
    isWide ||= isWideSource(code);
    switch (code) {
      case 0x02: // block
      case 0x03: // loop
      case 0x04: // if
        if (code === 0x04) operands.change(-1);
        operands.begin(reader.byte());
        break;
      case 0x0b:
        operands.end();
        break;
      case 0x0c: // br
      case 0x0e: // br_table
        if (code === 0x0e) list(reader, reader.number);
        reader.number();
        operands.restart();
        break;
      case 0x00: // unreachable
      case 0x05: // else
      case 0x0f: // return
        operands.restart();
        break;
      case 0x10: {
        const index = reader.number();
        call(index, signatures[index] as Signature);
        break;
      }
      case 0x11: // call_indirect
        operands.change(-1);
        call(undefined, types[reader.number()] as Signature);
        reader.number();
        break;
      default:
        operands.change(changeOf(code, reader));
    }
  }
  return { callees, operands: operands.most(), isWide };
}

function readFunction(reader: Reader, signature: Signature, context: Context): WasmFunction {
  let locals = 0;
  let isWide = signature.isWide;
  for (let groups = reader.number(); groups > 0; groups--) {
    locals += reader.number();
    isWide ||= WIDE.has(reader.byte());
  }
  const body = reader.rest();
  const walked = walk(reader, context);
  const { parameters, results } = signature;
  return { parameters, results, locals, body, ...walked, isWide: isWide || walked.isWide };
}

/** @throws Error with one line for a module of other features */
export function readWasmFunctions(wasm: Uint8Array): WasmFunctions {
  const all = createReader(wasm, HEAD_BYTES, wasm.length);
  let types: Signature[] = [];
  const imported: Signature[] = [];
  let own: Signature[] = [];
  let functions: WasmFunction[] = [];
  while (!all.isAtEnd()) {
    const id = all.byte();
    const section = all.part(all.number());
    if (id === SECTION.type) types = list(section, () => readSignature(section));
    if (id === SECTION.import) list(section, () => readImport(section, types, imported));
    if (id === SECTION.function) own = list(section, () => types[section.number()] as Signature);
    if (id !== SECTION.code) continue;
    const context = { types, signatures: [...imported, ...own] };
    section.number();
    functions = own.map((signature) =>
      readFunction(section.part(section.number()), signature, context),
    );
  }
  return { imported, functions };
}
