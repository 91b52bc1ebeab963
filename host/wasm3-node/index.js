import { createRequire } from "node:module";
import { readImportSignatures } from "./signatures.js";

const MEMORY_BYTES_MAX = 256 * 1024 * 1024;
const MEMORY_BYTES_DEFAULT = 1024 * 1024;
const STACK_BYTES_MIN = 1024;
const STACK_BYTES_MAX = 64 * 1024;
const STACK_BYTES_DEFAULT = 16 * 1024;
const NOT_BUILT =
  "wasm3: the native addon is not built; install a C compiler and run: npm run build -w wasm3-node";

function openAddon() {
  try {
    return { addon: createRequire(import.meta.url)("./build/wasm3.node"), reason: "" };
  } catch (cause) {
    const missing = cause.code === "MODULE_NOT_FOUND";
    return { addon: undefined, reason: missing ? NOT_BUILT : `${NOT_BUILT} (${cause.message})` };
  }
}

const { addon, reason } = openAddon();

export const available = addon !== undefined;
export const unavailableReason = reason;
export const version = addon?.version ?? "";

function checkBytes(value, what, min, max) {
  if (!Number.isInteger(value)) throw new TypeError(`wasm3: ${what}: not an integer`);
  if (value < min || value > max) {
    throw new RangeError(`wasm3: ${what}: ${value} is outside ${min} to ${max}`);
  }
}

function checkModule(wasm) {
  if (!(wasm instanceof Uint8Array)) throw new TypeError("wasm3: the module is not a Uint8Array");
  const copy = Uint8Array.from(wasm); // What was validated is what is loaded.
  if (!WebAssembly.validate(copy)) throw new WebAssembly.CompileError("wasm3: not a valid module");
  return copy;
}

function findImports(signatures, imports) {
  return signatures.map(({ module, name }) => {
    const found = imports?.[module]?.[name];
    if (typeof found !== "function") {
      throw new WebAssembly.LinkError(`wasm3: import ${module}.${name} is not a function`);
    }
    return found;
  });
}

/** Traps become the error that WebAssembly itself throws; all else passes as it is. */
function callNative(handle, name, functions, index, values) {
  try {
    return addon.call(handle, name, functions, index, ...values);
  } catch (cause) {
    if (cause?.code !== "ERR_WASM3_TRAP") throw cause;
    throw new WebAssembly.RuntimeError(cause.message, { cause });
  }
}

function createExport(handle, name, functions) {
  const [index, signature] = addon.find(handle, name);
  const argumentCount = signature.indexOf(":");
  const exported = (...values) => {
    if (values.length !== argumentCount) {
      throw new TypeError(`wasm3: ${name}: ${values.length} arguments, not ${argumentCount}`);
    }
    return callNative(handle, name, functions, index, values);
  };
  return Object.defineProperty(exported, "name", { value: name });
}

export function load(wasm, options = {}) {
  if (addon === undefined) throw new Error(unavailableReason);
  const bytes = checkModule(wasm);
  const memoryBytes = options.memoryBytes ?? MEMORY_BYTES_DEFAULT;
  const stackBytes = options.stackBytes ?? STACK_BYTES_DEFAULT;
  checkBytes(memoryBytes, "memoryBytes", 1, MEMORY_BYTES_MAX);
  checkBytes(stackBytes, "stackBytes", STACK_BYTES_MIN, STACK_BYTES_MAX);
  const signatures = readImportSignatures(bytes);
  const functions = findImports(signatures, options.imports);

  const handle = addon.create(bytes, memoryBytes, stackBytes, signatures.length);
  try {
    for (const [index, { module, name, signature }] of signatures.entries()) {
      addon.link(handle, index, module, name, signature);
    }
    const kinds = new Map();
    for (const { name, kind } of WebAssembly.Module.exports(new WebAssembly.Module(bytes))) {
      kinds.set(name, kind);
    }
    const exports = Object.create(null);
    for (const [name, kind] of kinds) {
      if (kind === "function") exports[name] = createExport(handle, name, functions);
    }
    callNative(handle, "start", functions, -1, []);
    return createInstance(handle, Object.freeze(exports), kinds);
  } catch (error) {
    addon.dispose(handle);
    throw error;
  }
}

function createInstance(handle, exports, kinds) {
  return Object.freeze({
    exports,
    get memory() {
      return addon.memory(handle);
    },
    readGlobal(name) {
      if (kinds.get(name) !== "global") throw new TypeError(`wasm3: no exported global ${name}`);
      return addon.global(handle, name);
    },
    dispose() {
      addon.dispose(handle);
    },
  });
}
