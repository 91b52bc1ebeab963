/** The linker script of a machine, from its memory map. */
import type { Machine, Region } from "./machines.ts";

/** Stack of the program, bytes; the rest of RAM after .bss is heap. */
export const STACK_BYTES = 8192;
/** Its low end, which is not accessible (startup.c). */
export const STACK_GUARD_BYTES = 256;
/** Stack of fault handlers, of its own: they must work when the program's is used up. */
export const FAULT_STACK_BYTES = 512;

const hex = (value: number) => `0x${value.toString(16).padStart(8, "0")}`;

function memoryLine(name: string, access: string, { origin, bytes }: Region): string {
  return `  ${name} (${access}) : ORIGIN = ${hex(origin)}, LENGTH = ${bytes}`;
}

/** Symbols: *_begin and *_end of the regions, and what startup.c needs. */
export function renderLinkerScript(machine: Machine): string {
  const { firmware, ram, slots, store } = machine;
  return `/* ${machine.name}; made from boards/firmware/machines.ts */
MEMORY
{
${memoryLine("FLASH", "rx", firmware)}
${memoryLine("SLOT_A", "r", slots[0])}
${memoryLine("SLOT_B", "r", slots[1])}
${memoryLine("STORE", "rw", store)}
${memoryLine("RAM", "rwx", ram)}
}

slot_a_begin = ORIGIN(SLOT_A);
slot_a_end = ORIGIN(SLOT_A) + LENGTH(SLOT_A);
slot_b_begin = ORIGIN(SLOT_B);
slot_b_end = ORIGIN(SLOT_B) + LENGTH(SLOT_B);
store_begin = ORIGIN(STORE);
store_end = ORIGIN(STORE) + LENGTH(STORE);
stack_begin = ORIGIN(RAM);
stack_guard_end = ORIGIN(RAM) + ${STACK_GUARD_BYTES};
stack_end = ORIGIN(RAM) + ${STACK_BYTES};
fault_stack_end = ORIGIN(RAM) + ${STACK_BYTES + FAULT_STACK_BYTES};

ENTRY(reset_handler)

SECTIONS
{
  .text :
  {
    KEEP(*(.vectors))
    *(.text .text.*)
    *(.rodata .rodata.*)
    . = ALIGN(4);
  } > FLASH

  .ARM.exidx :
  {
    *(.ARM.exidx* .gnu.linkonce.armexidx.*)
    . = ALIGN(4);
  } > FLASH

  data_load = LOADADDR(.data);

  /* At the low end, so that an overflow leaves RAM and faults instead of overwriting data. */
  .stack (NOLOAD) :
  {
    . += ${STACK_BYTES + FAULT_STACK_BYTES};
  } > RAM

  .data :
  {
    data_begin = .;
    *(.data .data.*)
    . = ALIGN(4);
    data_end = .;
  } > RAM AT > FLASH

  .bss (NOLOAD) :
  {
    bss_begin = .;
    *(.bss .bss.* COMMON)
    . = ALIGN(8);
    bss_end = .;
  } > RAM

  heap_begin = bss_end;
  heap_end = ORIGIN(RAM) + LENGTH(RAM);

  /DISCARD/ :
  {
    *(.ARM.attributes .comment .note.*)
  }
}
`;
}
