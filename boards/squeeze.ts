/** Makes a large core smaller: functions with one caller become part of it. */

/** Bytes; more wins nothing, and makes frames that wasm3's stack must hold. */
const ONE_CALLER_BYTES_MAX = 1000;
/** After so many rounds nothing more is won. */
const ROUNDS_MAX = 6;

/**
 * asc limits inlining for its own uses, which costs bytes. Not for small cores: under wasm3 large
 * functions take more memory to compile. The same module comes out of the same bytes.
 */
export async function squeeze(wasm: Uint8Array): Promise<Uint8Array> {
  const { default: binaryen } = await import("binaryen");
  const { Features } = binaryen;
  const module = binaryen.readBinary(wasm);
  module.setFeatures(
    Features.SignExt |
      Features.BulkMemory |
      Features.BulkMemoryOpt |
      Features.MutableGlobals |
      Features.NontrappingFPToInt,
  );
  binaryen.setOptimizeLevel(3);
  binaryen.setShrinkLevel(2);
  binaryen.setAlwaysInlineMaxSize(2);
  binaryen.setFlexibleInlineMaxSize(0);
  binaryen.setOneCallerInlineMaxSize(ONE_CALLER_BYTES_MAX);
  binaryen.setAllowInliningFunctionsWithLoops(true);
  let smallest = wasm;
  for (let round = 0; round < ROUNDS_MAX; round++) {
    module.optimize();
    const bytes = module.emitBinary();
    if (bytes.length >= smallest.length) break;
    smallest = bytes;
  }
  module.dispose();
  return smallest;
}
