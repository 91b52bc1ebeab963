/** The rules in force: changed as a whole or group by group, kept in the workspace. */
import { createDetection } from "./detection.ts";
import { GroupError, parseGroup, type SecurityGroup } from "./groups.ts";
import type { Processor } from "./processor.ts";
import { optionsOf } from "./rule-files.ts";
import type { DetectionOptions, IntelLookup } from "./settings.ts";
import type { Workspace } from "./workspace.ts";

/** A rule file as it stands. */
export type RuleDocument = Readonly<Record<string, unknown>> & {
  readonly groups?: Readonly<Record<string, unknown>>;
};

export interface Control {
  document(): RuleDocument;
  /** Puts new rules in force; states stay. @throws RuleError and keeps the old ones */
  replace(document: unknown): Promise<void>;
  groups(): readonly SecurityGroup[];
  group(name: string): SecurityGroup | null;
  /** @returns true when the group is new. @throws GroupError */
  putGroup(name: string, body: unknown): Promise<boolean>;
  /** @returns false when there was none */
  deleteGroup(name: string): Promise<boolean>;
  /** Compiles the rules again, for example after feeds were read. */
  reload(): void;
}

const SETTING = "rules";

/** @param base options that are not part of the rule document */
export async function createControl(ports: {
  readonly processor: Processor;
  readonly workspace: Workspace | null;
  readonly intel?: IntelLookup;
  readonly initial?: RuleDocument;
}): Promise<Control> {
  const { processor, workspace, intel } = ports;
  let document: RuleDocument = (await readDocument(workspace)) ?? ports.initial ?? {};
  let options: DetectionOptions = optionsOf(document, "rules");

  const reload = () => processor.replaceDetection(createDetection({ ...options, intel }));
  const replace = async (next: unknown) => {
    options = optionsOf(next, "rules");
    document = next as RuleDocument;
    reload();
    workspace?.append("PicketSetting", [{ Name: SETTING, Value: JSON.stringify(document) }]);
    await workspace?.commit();
  };
  const groups = () =>
    Object.entries(document.groups ?? {}).map(([name, body]) => parseGroup(name, body));
  reload();
  return {
    document: () => document,
    replace,
    groups,
    group: (name) => groups().find((group) => group.name === name) ?? null,
    reload,
    async putGroup(name, body) {
      if (name === "__proto__") throw new GroupError("this name cannot be given to a group");
      const { properties } = body as { properties?: unknown };
      parseGroup(name, body);
      const isNew = !Object.hasOwn(document.groups ?? {}, name);
      await replace({ ...document, groups: { ...document.groups, [name]: { properties } } });
      return isNew;
    },
    async deleteGroup(name) {
      if (!Object.hasOwn(document.groups ?? {}, name)) return false;
      const left = Object.entries(document.groups ?? {}).filter(([key]) => key !== name);
      await replace({ ...document, groups: Object.fromEntries(left) });
      return true;
    },
  };
}

async function readDocument(workspace: Workspace | null): Promise<RuleDocument | null> {
  const result = await workspace?.query("SELECT Value FROM PicketSetting WHERE Name = $1", {
    values: [SETTING],
  });
  const text = result?.rows[0]?.[0];
  return text === undefined ? null : (JSON.parse(String(text)) as RuleDocument);
}
