import { expect, it } from "vitest";
import { createDetection } from "../detect/detection.ts";
import { ATTACKS, generateRun, measureQuality, rulesRaised } from "../scripts/quality-runs.ts";

it("quality: generated attacks are found, and little else, with seeds not tuned for", () => {
  const quality = measureQuality(createDetection(), 25, 1_000_000);
  const text = JSON.stringify({ wrong: quality.wrong, missed: quality.missed });
  expect(quality.recall, text).toBeGreaterThanOrEqual(0.98);
  expect(quality.precision, text).toBeGreaterThanOrEqual(0.98);
  expect(Object.keys(quality.byAttack).sort()).toEqual([...ATTACKS].sort());
});

it("quality: a behaviour that is switched off misses its attack, so the measure can fail", () => {
  const detection = createDetection({ behaviours: { upload: { enabled: false } } });
  const quality = measureQuality(detection, 2);
  expect(quality.byAttack.upload).toEqual({ runs: 2, found: 0 });
  expect(rulesRaised(createDetection(), generateRun(9, "upload"))).toContain("upload");
});
