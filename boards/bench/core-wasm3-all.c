/* The wasm3 back end, and a way to have every function compiled: the most heap that it can take. */
#include "core-wasm3.c"

const char *bench_compile_all(void);

const char *bench_compile_all(void) { return m3_CompileModule(core.module); }
