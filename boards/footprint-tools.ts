/** Whether the programs are there that sizes are measured with. */
import { spawnSync } from "node:child_process";

const known = new Map<string, boolean>();

function has(program: string): boolean {
  const found = known.get(program) ?? spawnSync(program, ["--version"]).status === 0;
  known.set(program, found);
  return found;
}

export const hasCompiler = () => has("arm-none-eabi-gcc") && has("arm-none-eabi-size");
export const hasEmulator = () => has("qemu-system-arm");
