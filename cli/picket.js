#!/usr/bin/env node
// Starts the command from TypeScript sources; on a fresh clone it installs what they need first.
import { setUp } from "../scripts/setup.mjs";

setUp();
const { register } = await import("tsx/esm/api");
register();
await import("./main.ts");
