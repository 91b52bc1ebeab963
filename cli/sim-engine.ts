/** `--engine` and `--board` of `picket sim`. */
import { engineNamed, qemuEngine } from "../boards/engines.ts";
import { MACHINES, type MachineName } from "../boards/firmware/machines.ts";
import { loadBoard } from "../boards/profile.ts";
import type { BackendName } from "../boards/profile-fields.ts";
import type { Engine } from "../host/engines/engine.ts";
import type { QemuEngine } from "../host/engines/qemu.ts";
import type { Scenario } from "../sim/scenario.ts";
import { UserError } from "./errors.ts";

/** A Cortex-M4 board that QEMU has; for scenarios whose board it has not. */
const QEMU_MACHINE = "mps2-an386";

export interface OpenEngine {
  readonly engine: Engine;
  /** Ends what the engine has started. */
  readonly close: () => void;
}

/** @param name of `--engine`; absent: the scenario's, or v8 @throws UserError for one that is none */
export function openEngine(name: string | undefined, scenario?: Scenario): OpenEngine {
  const boards = scenario?.boards ?? [];
  const wanted = name ?? boards.find((board) => board.engine)?.engine ?? "v8";
  if (wanted === "qemu") {
    const { machine, backend } = machineOf(boards);
    const engine = qemuEngine(machine, backend);
    return { engine, close: () => engine.close() };
  }
  try {
    const engine = engineNamed(wanted);
    return { engine, close: () => (engine as Partial<QemuEngine>).close?.() };
  } catch (cause) {
    throw new UserError(`--engine: ${(cause as Error).message}, qemu`, 2, { cause });
  }
}

/** The scenario's own board, if QEMU has it, as its profile runs the core. */
function machineOf(boards: Scenario["boards"]): { machine: MachineName; backend: BackendName } {
  const known = boards.map(({ profile }) => profile?.toLowerCase() ?? "");
  const machine = known.find((profile) => Object.hasOwn(MACHINES, profile));
  if (machine === undefined) return { machine: QEMU_MACHINE, backend: "wasm3" };
  return { machine: machine as MachineName, backend: loadBoard(machine).backend };
}

/** Another board instead of the scenario's: with its own flash, where events are kept in flash. */
export function onBoard(scenario: Scenario, board: string | undefined): Scenario {
  if (board === undefined) return scenario;
  const boards = scenario.boards.map(({ flash, ...entry }) => {
    const { programTakes, eraseTakes } = flash ?? {};
    const times = { ...(programTakes && { programTakes }), ...(eraseTakes && { eraseTakes }) };
    return { ...entry, profile: board, ...(flash && { flash: times }) };
  });
  return { ...scenario, boards };
}
