import wabt from "wabt";

const tools = await wabt();

/** Assembles a module of the WebAssembly text format. */
export function wasmOf(wat: string): Uint8Array {
  const module = tools.parseWat("test.wat", wat);
  try {
    return module.toBinary({}).buffer;
  } finally {
    module.destroy();
  }
}
