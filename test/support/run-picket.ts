/** Runs the `picket` command as its user does, in a process group of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");

export interface Outcome {
  /** Null: ended by a signal. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Processes of its group that outlived it. */
  readonly left: boolean;
}

export interface Running {
  readonly child: ChildProcess;
  /** Resolves when the output so far matches. */
  waitFor(pattern: RegExp): Promise<void>;
  readonly ended: Promise<Outcome>;
}

export function startPicket(...args: string[]): Running {
  const child = spawn(process.execPath, [join(root, "cli/picket.js"), ...args], {
    cwd: root,
    detached: true, // A group of its own, so that what it leaves behind is seen.
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  const waits: { pattern: RegExp; resolve: () => void }[] = [];
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    for (const { pattern, resolve } of waits) if (pattern.test(stdout)) resolve();
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const ended = new Promise<Outcome>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", async (status) => {
      const left = await outlives(child.pid);
      resolve({ status, stdout, stderr, left });
    });
  });
  return {
    child,
    ended,
    waitFor: (pattern) =>
      new Promise((resolve, reject) => {
        if (pattern.test(stdout)) resolve();
        else waits.push({ pattern, resolve });
        void ended.then(() => reject(new Error(`picket ended before ${pattern}: ${stderr}`)));
      }),
  };
}

export function runPicket(...args: string[]): Promise<Outcome> {
  return startPicket(...args).ended;
}

/** True when something of the group is there even a second later. */
async function outlives(pid: number | undefined): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < 1000; waitedMs += 20) {
    if (!hasGroup(pid)) return false;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return hasGroup(pid);
}

function hasGroup(pid: number | undefined): boolean {
  if (pid === undefined) return false;
  // Zombies do not count: where nobody is their parent, as in some containers, they stay.
  if (existsSync("/proc/self/stat")) return groupStates(pid).some((state) => state !== "Z");
  try {
    process.kill(-pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** States of the processes of a group (proc_pid_stat(5)). */
function groupStates(group: number): string[] {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      const [state = "", , pgrp] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return Number(pgrp) === group ? [state] : [];
    } catch {
      return []; // It ended meanwhile.
    }
  });
}
