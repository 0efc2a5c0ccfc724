// The page in a real browser, against real agents that run real jobs.
import { defineConfig } from "vitest/config";

export default defineConfig({
  esbuild: { jsx: "automatic", jsxImportSource: "preact" },
  test: {
    include: ["e2e/**/*.e2e.ts"],
    environment: "node",
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // One browser and one file at a time: the agents' machine is the same.
    fileParallelism: false,
  },
});
