/** Whether `--json` was asked for; npm takes it for itself in `npm run bench --json`. */
export function wantsJson(): boolean {
  return process.argv.includes("--json") || process.env.npm_config_json === "true";
}
