/** wasm3's value stack, B: what the deepest calls of a core with everything need, and a third more. */
export const WASM3_STACK_BYTES = 4096;
