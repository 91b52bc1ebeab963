import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BoardError } from "../boards/board-error.ts";
import { importLegacy } from "../boards/import-legacy.ts";
import { PreprocessorError, preprocess } from "../boards/preprocessor.ts";
import { loadBoard, parseProfile } from "../boards/profile.ts";

const header = readFileSync(new URL("fixtures/asc_config.h", import.meta.url), "utf8");
const base = loadBoard("mxchip-az3166");

/** Value of X after a header's directives. */
const integerOf = (text: string) => preprocess(text).integer("X");

describe("import-legacy", () => {
  it("import-legacy: a usual header becomes a profile that is sound", () => {
    const { profile, taken } = importLegacy(header, base);
    expect(profile.options).toMatchObject({ FLOW_SLOTS_IPV4: 48, FLOW_SLOTS_IPV6: 32 });
    expect(profile).toMatchObject({ high_interval_s: 15, low_interval_s: 60 });
    expect(taken).toContain("ASC_LOW_PRIORITY_INTERVAL 60 -> low_interval_s 60");
    expect(parseProfile(JSON.stringify(profile), "x.json")).toEqual(profile);
  });

  it("import-legacy: what has no counterpart is told, with the reason", () => {
    const { without, covered } = importLegacy(header, base);
    expect(without).toContain(
      "ASC_MEDIUM_PRIORITY_INTERVAL: there are two priorities, High and Low",
    );
    expect(without).toContain("ASC_SOMETHING_OF_THEIRS: not a setting that is known");
    expect(without).toContain('line 7: #include "nx_api.h": not read');
    expect(covered.some((line) => line.startsWith("ASC_SECURITY_MODULE_ID:"))).toBe(true);
  });

  it("import-legacy: macros from outside decide the conditions", () => {
    const { profile } = importLegacy(header, base, { NX_DISABLE_IPV6: "" });
    expect(profile.options.FLOW_SLOTS_IPV6).toBe(0);
  });

  it("import-legacy: a value out of an option's range becomes the nearest, and says so", () => {
    const name = "ASC_COLLECTOR_NETWORK_ACTIVITY_MAX_IPV4_OBJECTS_IN_CACHE";
    const { profile, taken } = importLegacy(`#define ${name} 0`, base);
    expect(profile.options.FLOW_SLOTS_IPV4).toBe(1);
    expect(taken).toContain(`${name} 0 -> FLOW_SLOTS_IPV4 1, the nearest possible`);
    const { without } = importLegacy(`#define ${name} many words`, base);
    expect(without).toContain(`${name}: its value is no integer`);
  });

  it("import-legacy: a header of something else is refused", () => {
    expect(() => importLegacy("#define NX_MAX 3\n", base)).toThrow(BoardError);
    expect(() => importLegacy("", base)).toThrow("is this an asc_config.h?");
  });
});

describe("preprocessor", () => {
  it.each([
    ["#define X 1", 1],
    ["#define X (0x10 + 010 * 2u) // 16 and 16", 32],
    ["#define Y X\n#define X 5\n#undef X\n#define X (2 + 3)", 5],
    ["#if 0\n#define X 1\n#elif 1\n#define X 2\n#else\n#define X 3\n#endif", 2],
    ["#ifdef Y\n#if garbage (\n#elif (\n#endif\n#else\n#define X 4\n#endif", 4],
    ["#ifndef Y\n#ifdef Y\n#define X 1\n#else\n#define X 7\n#endif\n#endif", 7],
    ["#if !defined(Y) || 1 / Y\n#define X 1\n#endif", 1],
    ["#if defined Y && 1 / Y\n#else\n#define X 6\n#endif", 6],
    ["#define X 1 ? 2 : 3 / 0", 2],
    ["#define X (1 << 4 | 3) ^ ~-1 & 7", 19],
    ["#define X 7 % 4 * 2 - -1 >= 7 == 1", 1],
    ["#define X A\n#define A B + 1\n#define B A", 1],
    ["#define \\\n X \\\n 12", 12],
    ["/* #define X 1 */ #define X 2 /* more\n lines */\r\n# \t define X 3", 3],
    ['#define S "/*" // "\n#define X 8', 8],
    ["#define X(a) 1", undefined],
    ["#define X text here", undefined],
    ["#define X", undefined],
    ["", undefined],
  ])("preprocessor: %j gives %s", (text, value) => {
    expect(integerOf(text)).toBe(value);
  });

  it.each([
    ["#if 1", "line 1: condition has no #endif"],
    ["\n#endif", "line 2: #endif without #if"],
    ["#if 1\n#else\n#else\n#endif", "line 3: #else without #if"],
    ["#if 1 +\n#endif", "line 1: an expression ends too early"],
    ["#if 1 / 0\n#endif", "line 1: division by zero"],
    ["#if 9007199254740991 + 1\n#endif", "line 1: a number is too large"],
    ["#if 'a'\n#endif", `line 1: no integer expression: "'a'"`],
    ["#error stop here", "line 1: #error stop here"],
    ["#define 1", "line 1: #define without a name"],
    ["/* for ever", "a comment has no end"],
  ])("preprocessor: %j is refused", (text, message) => {
    expect(() => preprocess(text)).toThrow(message);
  });

  it.each([
    ["nesting", "#if 1\n".repeat(65), "line 65: more than 64 conditions deep"],
    ["parentheses", `#if ${"(".repeat(60_000)}1\n`, "nested too deep"],
    ["signs", `#if ${"-".repeat(60_000)}1\n`, "nested too deep"],
    ["lines", "\n".repeat(20_000), "more than 20000 lines"],
    ["length", " ".repeat(262_145), "longer than 262144"],
  ])("preprocessor: %s without end is refused", (_what, text, message) => {
    expect(() => preprocess(text)).toThrow(message);
  });

  it("preprocessor: macros that double forty times are given up in bounded time", () => {
    const lines = Array.from({ length: 40 }, (_, i) => `#define M${i} M${i + 1} + M${i + 1}`);
    const started = performance.now();
    expect(() => preprocess(`${lines.join("\n")}\n#if M0\n#endif`)).toThrow("too many macros");
    expect(performance.now() - started).toBeLessThan(2000);
  });

  it("preprocessor: any text ends in a result or in one line", () => {
    const piece = fc.constantFrom(
      ..."#if #ifdef #ifndef #elif #else #endif #define #undef \n \n \n ( ) ! && || + / 0 1 X Y".split(
        " ",
      ),
      "defined",
      "/*",
      "*/",
      "\\\n",
      '"',
      "?",
      ":",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), fc.string(), (pieces, tail) => {
        try {
          preprocess(pieces.join(" ") + tail).integer("X");
        } catch (error) {
          expect(error).toBeInstanceOf(PreprocessorError);
          expect((error as Error).message).not.toContain("\n");
        }
      }),
      { numRuns: 3000 },
    );
  });
});
