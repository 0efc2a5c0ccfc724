// How the page is built: one folder of hashed files, precompressed, that the program embeds.
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { defineConfig, type Plugin } from "vite";

const agent = process.env.KHRONOS_SERVER ?? "http://127.0.0.1:10001";
const compressible = /\.(html|js|css|svg|json)$/;

function filesOf(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? filesOf(path) : [path];
  });
}

// Writes `x.br` and `x.gz` beside each file that gets smaller by it, and says what a browser fetches.
function precompress(): Plugin {
  return {
    name: "khronos-precompress",
    apply: "build",
    closeBundle() {
      let total = 0;
      for (const file of filesOf("dist")) {
        if (/\.(br|gz)$/.test(file)) continue;
        const bytes = readFileSync(file);
        if (!compressible.test(file)) {
          total += bytes.length;
          continue;
        }
        const brotli = brotliCompressSync(bytes, {
          params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
        });
        writeFileSync(`${file}.br`, brotli);
        writeFileSync(`${file}.gz`, gzipSync(bytes, { level: 9 }));
        total += brotli.length;
      }
      console.log(`page: ${(total / 1024).toFixed(1)} KiB compressed, all files together`);
    },
  };
}

export default defineConfig({
  // Relative, so that the page works under any path a proxy puts it at.
  base: "./",
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1000,
  },
  esbuild: { jsx: "automatic", jsxImportSource: "preact", legalComments: "none" },
  server: { proxy: Object.fromEntries(["/v1", "/version", "/readyz", "/livez", "/metrics"].map((path) => [path, agent])) },
  plugins: [precompress()],
  test: {
    environment: "jsdom",
    include: ["src/**/*.test.{ts,tsx}"],
    setupFiles: ["src/testing.ts"],
  },
} as Parameters<typeof defineConfig>[0]);
