/**
 * Security groups under the documented path of `Microsoft.Security/deviceSecurityGroups`
 * (2019-08-01), whatever the resource id before it, and the rest of the rules.
 */
import type { FastifyInstance, FastifyReply } from "fastify";
import type { Control } from "../control.ts";
import { GROUP_SCHEMA, type SecurityGroup } from "../groups.ts";
import { RULE_FILE_SCHEMA } from "../rule-files.ts";

const TYPE = "Microsoft.Security/deviceSecurityGroups";
const HUB =
  "/subscriptions/:subscription/resourceGroups/:resourceGroup/providers/Microsoft.Devices/IotHubs/:hub";

export function addGroupRoutes(server: FastifyInstance, control: Control): void {
  for (const base of [`${HUB}/providers/${TYPE}`, "/api/groups"]) addPaths(server, control, base);
  server.get("/api/rules", { schema: { summary: "The rule document in force" } }, () =>
    control.document(),
  );
  server.put(
    "/api/rules",
    { schema: { summary: "Puts a rule document in force", body: { type: "object" } } },
    async (request) => {
      await control.replace(request.body);
      return control.document();
    },
  );
  server.get(
    "/api/rules/schema",
    { schema: { summary: "JSON Schema of rule documents" } },
    () => RULE_FILE_SCHEMA,
  );
}

function addPaths(server: FastifyInstance, control: Control, base: string): void {
  type Named = { Params: { name: string } };
  const idOf = (url: string, name: string) => {
    const path = url.split("?")[0] ?? "";
    return path.endsWith(`/${name}`) ? path : `${path}/${name}`;
  };
  const missing = (reply: FastifyReply) =>
    reply.code(404).send({ error: "there is no such security group" });

  server.get(base, { schema: { summary: "All security groups" } }, (request) => ({
    value: control.groups().map((group) => resourceOf(group, idOf(request.url, group.name))),
  }));
  server.get<Named>(
    `${base}/:name`,
    { schema: { summary: "One security group, with all its rules" } },
    (request, reply) => {
      const group = control.group(request.params.name);
      return group ? resourceOf(group, idOf(request.url, group.name)) : missing(reply);
    },
  );
  server.put<Named>(
    `${base}/:name`,
    {
      schema: {
        summary: "Makes or replaces a security group",
        body: { type: "object", properties: GROUP_SCHEMA.properties, required: ["properties"] },
      },
    },
    async (request, reply) => {
      const { name } = request.params;
      const isNew = await control.putGroup(name, request.body);
      const group = control.group(name) as SecurityGroup;
      return reply.code(isNew ? 201 : 200).send(resourceOf(group, idOf(request.url, name)));
    },
  );
  server.delete<Named>(
    `${base}/:name`,
    { schema: { summary: "Removes a security group" } },
    async (request, reply) =>
      reply.code((await control.deleteGroup(request.params.name)) ? 200 : 204).send(),
  );
}

function resourceOf(group: SecurityGroup, id: string) {
  const { name, ...properties } = group;
  return { id, name, type: TYPE, properties };
}
