/** Writes events into a workspace for ever, a line for each that was acknowledged. */
import { createDetection } from "../../detect/detection.ts";
import { createProcessor } from "../../detect/processor.ts";
import { createService } from "../../detect/service.ts";
import { openWorkspace } from "../../detect/workspace.ts";
import { event, flow, message, T0 } from "./detect-events.ts";

const workspace = await openWorkspace(process.argv[2]);
const processor = createProcessor(createDetection());
const service = await createService({ processor, workspace, now: () => T0 });
for (let n = 0; ; n++) {
  await service.ingest(message("dev1", [event("NetworkActivity", n * 1000, [flow({})])], n * 1000));
  process.stdout.write(`${n}\n`);
}
