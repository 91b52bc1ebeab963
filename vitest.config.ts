import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Some tests compile cores or start whole demos: slow on a small machine, never without end.
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
