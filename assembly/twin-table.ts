// Generated from wire/twin-properties.ts by scripts/generate.ts; do not edit.
import { TWIN } from "./options";

/** Properties have the numbers below this one. */
export const PROPERTIES: u32 = 50;
/** The settings come first. */
export const SETTINGS: u32 = 29;
/** Setting, B. */
export const SETTING_CACHE: u32 = 3;
/** Setting, B. */
export const SETTING_MESSAGE: u32 = 4;
/** First priority. */
export const SETTING_PRIORITY: u32 = 5;
/** Number of priorities. */
export const PRIORITIES_COUNT: u32 = 18;
/** First aggregationEnabled…. */
export const SETTING_AGGREGATION: u32 = 23;
/** Number of them. */
export const AGGREGATIONS: u32 = 3;
/** The first flat key; pairs of …_Disabled and …_MessageFrequency follow. */
export const FLAT_INTERVALS: u32 = 29;
/** The object that holds the settings. */
export const TWIN_OBJECT: u32 = 48;
/** What the cloud wants. */
export const TWIN_DESIRED: u32 = 49;
/** Containers open at once. */
export const DEPTH_MAX: u32 = 64;
/** Longest duration, characters. */
export const DURATION_CHARS_MAX: u32 = 32;
/** Longest interval, s. */
export const INTERVAL_S_MAX: u32 = 604800;
/** Largest size, B. */
export const SIZE_BYTES_MAX: u32 = 536870896;
/** Of both sizes, B. */
export const SIZE_BYTES_MIN: u32 = 8192;
/** Limit, B. */
export const MESSAGE_BYTES_MOST: u32 = 262144;
/** "High". */
export const WORD_HIGH: u32 = 0;
/** "Low". */
export const WORD_LOW: u32 = 1;
/** "Off". */
export const WORD_OFF: u32 = 2;
/** "Medium". */
export const WORD_MEDIUM: u32 = 3;
/** "True". */
export const WORD_TRUE: u32 = 4;
/** "False". */
export const WORD_FALSE: u32 = 5;
/** A duration. */
export const KIND_DURATION: u32 = 0;
/** A cache. */
export const KIND_CACHE: u32 = 1;
/** A message. */
export const KIND_MESSAGE: u32 = 2;
/** A boolean. */
export const KIND_BOOLEAN: u32 = 3;
/** A priority. */
export const KIND_PRIORITY: u32 = 4;
/** A permanent priority. */
export const KIND_PERMANENT_PRIORITY: u32 = 5;
/** A disabled. */
export const KIND_DISABLED: u32 = 6;
/** A permanent disabled. */
export const KIND_PERMANENT_DISABLED: u32 = 7;
/** A frequency. */
export const KIND_FREQUENCY: u32 = 8;
/** A intervals. */
export const KIND_INTERVALS: u32 = 9;
/** Part: value */
export const TEXT_VALUE: u32 = 6;
/** Part: {" */
export const TEXT_OPEN: u32 = 7;
/** Part: ":{" */
export const TEXT_OBJECT: u32 = 8;
/** Part: ":{"value": */
export const TEXT_WRAP: u32 = 9;
/** Part: }," */
export const TEXT_NEXT: u32 = 10;
/** Part: }},"latest_state":" */
export const TEXT_STATE: u32 = 11;
/** Part: ","latest_invalid_fields":[ */
export const TEXT_INVALID: u32 = 12;
/** Part: ],"latest_unknown_fields":[ */
export const TEXT_UNKNOWN: u32 = 13;
/** Part: ]} */
export const TEXT_CLOSE: u32 = 14;
/** Part: success */
export const TEXT_SUCCESS: u32 = 15;
/** Part: failed */
export const TEXT_FAILED: u32 = 16;
/** Part: false */
export const TEXT_NO: u32 = 17;
/** Part: true */
export const TEXT_YES: u32 = 18;
/** Part: null */
export const TEXT_NULL: u32 = 19;
/** Part: ... */
export const TEXT_MORE: u32 = 20;
/** Text that names are made of. */
export const PARTS: usize = TWIN ? memory.data<u8>([72,105,103,104,76,111,119,79,102,102,77,101,100,105,117,109,84,114,117,101,70,97,108,115,101,118,97,108,117,101,123,34,34,58,123,34,34,58,123,34,118,97,108,117,101,34,58,125,44,34,125,125,44,34,108,97,116,101,115,116,95,115,116,97,116,101,34,58,34,34,44,34,108,97,116,101,115,116,95,105,110,118,97,108,105,100,95,102,105,101,108,100,115,34,58,91,93,44,34,108,97,116,101,115,116,95,117,110,107,110,111,119,110,95,102,105,101,108,100,115,34,58,91,93,125,115,117,99,99,101,115,115,102,97,105,108,101,100,102,97,108,115,101,116,114,117,101,110,117,108,108,46,46,46,104,105,103,104,80,114,105,111,114,105,116,121,77,101,115,115,97,103,101,70,114,101,113,117,101,110,99,121,108,111,119,80,114,105,111,114,105,116,121,115,110,97,112,115,104,111,116,70,114,101,113,117,101,110,99,121,109,97,120,76,111,99,97,108,67,97,99,104,101,83,105,122,101,73,110,66,121,116,101,115,109,97,120,77,101,115,115,97,103,101,101,118,101,110,116,80,114,105,111,114,105,116,121,72,101,97,114,116,98,101,97,116,78,101,116,119,111,114,107,65,99,116,105,118,105,116,121,65,99,116,105,118,101,67,111,110,110,101,99,116,105,111,110,115,67,108,111,117,100,84,111,68,101,118,105,99,101,77,101,115,115,97,103,101,115,68,114,111,112,112,101,100,69,118,101,110,116,115,83,116,97,116,105,115,116,105,99,115,77,101,115,115,97,103,101,83,116,97,116,105,115,116,105,99,115,67,111,110,102,105,103,117,114,97,116,105,111,110,69,114,114,111,114,67,111,110,110,101,99,116,105,111,110,67,114,101,97,116,101,80,114,111,99,101,115,115,67,114,101,97,116,101,80,114,111,99,101,115,115,84,101,114,109,105,110,97,116,101,76,111,103,105,110,68,105,97,103,110,111,115,116,105,99,76,105,115,116,101,110,105,110,103,80,111,114,116,115,76,111,99,97,108,85,115,101,114,115,70,105,114,101,119,97,108,108,67,111,110,102,105,103,117,114,97,116,105,111,110,67,111,110,110,101,99,116,101,100,72,97,114,100,119,97,114,101,79,83,66,97,115,101,108,105,110,101,83,121,115,116,101,109,73,110,102,111,114,109,97,116,105,111,110,97,103,103,114,101,103,97,116,105,111,110,69,110,97,98,108,101,100,97,103,103,114,101,103,97,116,105,111,110,73,110,116,101,114,118,97,108,67,111,108,108,101,99,116,111,114,115,67,111,114,101,95,80,114,105,111,114,105,116,121,73,110,116,101,114,118,97,108,115,95,68,105,115,97,98,108,101,100,95,77,101,115,115,97,103,101,70,114,101,113,117,101,110,99,121,80,114,111,99,101,115,115,66,97,115,101,108,105,110,101,80,101,114,105,112,104,101,114,97,108,76,111,103,67,111,108,108,101,99,116,111,114,83,116,97,116,105,115,116,105,99,115,109,115,95,105,111,116,110,58,117,114,110,95,97,122,117,114,101,105,111,116,95,83,101,99,117,114,105,116,121,95,83,101,99,117,114,105,116,121,65,103,101,110,116,67,111,110,102,105,103,117,114,97,116,105,111,110,100,101,115,105,114,101,100]) : 0;
/** Where each begins; the end. */
export const PART_STARTS: usize = TWIN ? memory.data<u16>([0,4,7,10,16,20,25,30,32,36,47,50,69,96,123,125,132,138,143,147,151,154,154,166,182,193,210,223,234,244,257,266,281,298,319,342,359,377,393,406,422,427,437,451,461,482,499,509,526,544,563,595,604,621,628,636,646,658,668,724,731]) : 0;
/** First name of each level of a document, and the end. */
export const LEVELS: usize = TWIN ? memory.data<u8>([0,0,49,50,29,49,0,29,50,51]) : 0;
/** Two parts for each name. */
export const NAMES: usize = TWIN ? memory.data<u8>([22,23,24,23,25,21,26,27,28,27,29,30,29,31,29,32,29,33,29,34,29,35,29,36,29,37,29,38,29,39,29,40,29,41,29,42,29,43,29,44,29,45,29,46,29,47,48,37,48,38,48,39,49,37,49,38,49,39,50,21,30,51,30,52,31,51,31,52,40,51,40,52,53,51,53,52,47,51,47,52,54,51,54,52,55,51,55,52,56,51,56,52,57,51,57,52,58,21,59,21,6,21]) : 0;
/** KIND_* of each property with a value. */
export const KINDS: usize = TWIN ? memory.data<u8>([0,0,0,1,2,5,4,4,4,5,4,4,4,4,4,4,4,4,4,4,4,4,4,3,3,3,0,0,0,9,7,8,6,8,6,8,6,8,6,8,6,8,6,8,6,8,7,8]) : 0;
/** Bit n: word n is a value of this kind. */
export const KIND_WORDS: usize = TWIN ? memory.data<u8>([0,0,0,48,7,7,48,48,11,0]) : 0;
/** Value of each word, plus one. */
export const WORD_CODES: usize = TWIN ? memory.data<u8>([1,2,3,1,2,1]) : 0;
/** Flat …_Disabled of each priority, or 0. */
export const COLLECTORS: usize = TWIN ? memory.data<u8>([30,32,0,0,46,46,0,0,36,36,34,44,0,0,0,42,40,38]) : 0;
/** Defaults of the first settings, u32 each: s and B. */
export const DEFAULTS: usize = memory.data<u32>([420,18000,46800,2560000,204800]);
/** Defaults of the others, a byte each: priorities, 0 or 1, and hours. */
export const DEFAULT_LEVELS: usize = TWIN
  ? memory.data<u8>([1,0,0,0,1,1,1,1,1,1,0,2,0,0,1,1,1,1,1,1,1,1,1,1])
  : memory.data<u8>([1,0,0,0,1,1,1,1,1,1,0,2,0,0,1,1,1,1]);
