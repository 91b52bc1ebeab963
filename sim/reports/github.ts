/** Workflow commands that GitHub Actions shows as annotations. */
import type { RunResult } from "../result.ts";
import { repeatCommand } from "./terminal.ts";

/** One line for each check that is not met. */
export function githubAnnotations(results: readonly RunResult[]): string {
  return results
    .flatMap((result) =>
      result.checks
        .filter(({ isMet }) => !isMet)
        .map(({ name, found }) => {
          const title = propertyText(`picket sim: ${result.scenario}`);
          const text = dataText(
            `expected ${name}\nfound ${found}\nrepeat: ${repeatCommand(result)}`,
          );
          return `::error file=${propertyText(result.file)},line=1,title=${title}::${text}\n`;
        }),
    )
    .join("");
}

function dataText(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function propertyText(text: string): string {
  return dataText(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}
