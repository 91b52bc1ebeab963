/*
 * wasm3's settings for boards, to be included before all else in wasm3's sources and in
 * core-wasm3.c (`-include picket_wasm3.h`): what they say decides about structures of both.
 */
#ifndef PICKET_WASM3_H
#define PICKET_WASM3_H

#define d_m3HasFloat 0
#define d_m3HasWASI 0
#define d_m3LogOutput 0
#define d_m3VerboseErrorMessages 0
/* Compiled code grows by so many bytes; 20 of each page, and a few words, are not used. */
#define d_m3CodePageAlignSize 1024
/* For compiling a function: the largest core needs 67 operands with locals, and 160 slots. */
#define d_m3MaxFunctionStackHeight 96
#define d_m3MaxConstantTableSize 40

#endif
