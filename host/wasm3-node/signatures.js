/**
 * The types of a module's function imports, which the JavaScript API does not tell, in wasm3's
 * notation ("i(iI)": i i32, I i64, f f32, F f64, v nothing).
 *
 * Only for modules that WebAssembly.validate accepted, so that no bound needs a check here.
 * Source: WebAssembly Core Specification 5.5 (binary format, modules).
 */

const SECTION_TYPE = 1;
const SECTION_IMPORT = 2;
const FUNCTION_TYPE = 0x60;
const LETTERS = new Map([
  [0x7f, "i"],
  [0x7e, "I"],
  [0x7d, "f"],
  [0x7c, "F"],
]);

function createReader(bytes, start) {
  let at = start;
  const byte = () => bytes[at++];
  const number = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const next = byte();
      value += (next & 0x7f) * 2 ** shift;
      if (next < 0x80) return value;
    }
  };
  const text = () => {
    const length = number();
    at += length;
    return new TextDecoder().decode(bytes.subarray(at - length, at));
  };
  return { byte, number, text, position: () => at, skipTo: (next) => (at = next) };
}

function readLetters(reader) {
  let letters = "";
  for (let left = reader.number(); left > 0; left--) {
    const code = reader.byte();
    const letter = LETTERS.get(code);
    if (letter === undefined) {
      throw new Error(`wasm3: value type 0x${code.toString(16)} is not supported`);
    }
    letters += letter;
  }
  return letters;
}

function readTypes(reader) {
  const types = [];
  for (let left = reader.number(); left > 0; left--) {
    const form = reader.byte();
    if (form !== FUNCTION_TYPE) {
      throw new Error(`wasm3: type form 0x${form.toString(16)} is not supported`);
    }
    const parameters = readLetters(reader);
    types.push(`${readLetters(reader) || "v"}(${parameters})`);
  }
  return types;
}

function readImports(reader, types) {
  const imports = [];
  for (let left = reader.number(); left > 0; left--) {
    const module = reader.text();
    const name = reader.text();
    const kind = reader.byte();
    if (kind !== 0) throw new Error(`wasm3: import ${module}.${name} is not a function`);
    imports.push({ module, name, signature: types[reader.number()] });
  }
  return imports;
}

/** The function imports of a valid module, in order. Throws Error on any other kind of import. */
export function readImportSignatures(wasm) {
  const reader = createReader(wasm, 8);
  let types = [];
  while (reader.position() < wasm.length) {
    const section = reader.byte();
    const length = reader.number();
    const end = reader.position() + length;
    if (section === SECTION_TYPE) types = readTypes(reader);
    if (section === SECTION_IMPORT) return readImports(reader, types);
    reader.skipTo(end);
  }
  return [];
}
