/** Workflow commands that GitHub Actions shows as annotations. */
import type { Report } from "./report.ts";
import { repeatCommand } from "./terminal.ts";

/** One line for each check that is not met, at the line that expects it. */
export function githubAnnotations(reports: readonly Report[]): string {
  return reports
    .flatMap(({ result, lineOf }) =>
      result.checks
        .filter(({ isMet }) => !isMet)
        .map((check) => {
          const { name, found } = check;
          const title = propertyText(`picket sim: ${result.scenario}`);
          const repeat = repeatCommand(result);
          const text = dataText(`expected ${name}\nfound ${found}\nrepeat: ${repeat}`);
          const place = `file=${propertyText(result.file)},line=${lineOf(check)}`;
          return `::error ${place},title=${title}::${text}\n`;
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
