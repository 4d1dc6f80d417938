import { defineConfig } from 'vitest/config';

/** Tests that have a lane of their own, by folder: too long for `npm test`, or in need of what is not on every machine. */
const LANES = ['corpus', 'e2e', 'oracle', 'fuzz', 'long'];

function lane(name: string, include: string[], exclude: string[], testTimeout: number) {
  return { test: { name, include, exclude: ['**/node_modules/**', ...exclude], testTimeout, hookTimeout: testTimeout, pool: 'threads' as const, ...(name === 'e2e' ? { fileParallelism: false } : {}) } };
}

// `vitest run --project NAME` runs one lane; `npm test` runs `unit`.
export default defineConfig({
  test: {
    // The default leaves a core to watching, which these runs never do.
    maxWorkers: '100%',
    projects: [
      lane('unit', ['test/**/*.test.ts'], LANES.map((name) => `test/${name}/**`), 120_000),
      ...LANES.map((name) => lane(name, [`test/${name}/**/*.test.ts`], [], 600_000)),
    ],
  },
});
